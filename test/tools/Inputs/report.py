"""report.py CHROMIUM PAGE WIDTH: opens a report in a browser without a window, and says what was drawn; fails where its script did."""
import re
import subprocess
import sys
import tempfile

browser, page, width = sys.argv[1:]
with tempfile.TemporaryDirectory() as profile:
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--enable-logging=stderr",
         "--virtual-time-budget=5000", f"--window-size={width},2000", "--dump-dom", f"file://{page}#1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
# What a page writes to its console, an uncaught error above all, is logged so.
faults = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
assert not faults, faults
dom = run.stdout


def inside(identifier):
    found = re.search(f'id="{identifier}"[^>]*>(.*?)(?=<section|<script|</section>)', dom, re.S)
    return found[1] if found else ""


plots, multiples = inside("plots"), inside("multiples")
in_plots = plots.count("<circle")
assert "NaN" not in plots + multiples and plots.count("<svg") == 2 and in_plots % 2 == 0, (plots.count("<svg"), in_plots)
assert multiples.count("<circle") == multiples.count("<svg") * in_plots // 2
print(f"{in_plots // 2} measured variants in 2 plots, {multiples.count('<svg')} small ones and a table of "
      f"{inside('rows').count('<tr')} rows")
print("chosen:", re.search('id="chosen"[^>]*>([^<]*)', dom)[1])
print("its code begins with:", re.search('id="text">(.{0,60})', dom, re.S)[1].replace("\n", " "))
