"""Kills ssmc explore at random moments: explore_kills.py DATABASE KILLS

Each time two explorers run on one database, and one of them is killed. What was in the database before is there after,
the file is sound, and the one that goes on ends well. Prints how many repetitions there are in the end.
"""
import random
import signal
import sqlite3
import subprocess
import sys
import time

database, kills = sys.argv[1], int(sys.argv[2])
command = ["ssmc", "explore", "mingru", "--dim", "batch=1,channel=64,time=16", "--time", "20", "--csv", "--list", "0",
           "--database", database, "--jobs", "1", "--budget"]
random.seed(1)


def repetitions():
    connection = sqlite3.connect(database)
    sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    assert sound == "ok", sound
    count = connection.execute("SELECT count(*) FROM sample").fetchone()[0]
    connection.close()
    return count


subprocess.run(command + ["1"], check=True, stdout=subprocess.DEVNULL)
before = repetitions()
for kill in range(kills):
    killed, other = (subprocess.Popen(command + [str(size)], stdout=subprocess.DEVNULL) for size in (3 + kill, 1))
    time.sleep(random.uniform(0.0, 0.6))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert other.wait() == 0, other.returncode
    now = repetitions()
    # The other has measured its default at least.
    assert now > before, (before, now)
    before = now
print(f"{before} repetitions after {kills} kills")
