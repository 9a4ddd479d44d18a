"""status.py STATUS COMMAND...: prints all that the command prints; fails unless it ends with that status."""
import subprocess
import sys

result = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
print(result.stdout)
if result.returncode != int(sys.argv[1]):
    sys.exit(f"the status is {result.returncode}, not {sys.argv[1]}")
