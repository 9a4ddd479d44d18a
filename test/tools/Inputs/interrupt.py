"""interrupt.py SECONDS COMMAND...: sends SIGINT after so many seconds; prints what the command prints, and fails unless it
ends with status 0 soon."""
import signal
import subprocess
import sys
import time

process = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True)
time.sleep(float(sys.argv[1]))
process.send_signal(signal.SIGINT)
output, _ = process.communicate(timeout=60)
print(output)
sys.exit(0 if process.returncode == 0 else f"the status is {process.returncode}")
