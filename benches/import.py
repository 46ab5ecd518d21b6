#!/usr/bin/env python3
"""How much an import of many numbers costs everybody else.

Starts the demo of BINARY on free ports, lets a few clients lend and free numbers without a pause, first alone and then
while a file of ROWS numbers is imported, and prints how long their requests took in either part and the ratio. The
ratio is what counts: the figures depend on the machine and on what else it does.

usage: import.py BINARY [ROWS [CLIENTS]]
"""

import base64
import http.client
import subprocess
import sys
import tempfile
import threading
import time

ALONE_SECONDS = 5.0
"""How long the clients run before the import."""

HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def client(address: str, until: threading.Event, times: list[tuple[float, float]]) -> None:
    """Books a number and gives it back, again and again; notes when each request began and how long it took."""
    connection = http.client.HTTPConnection(address)
    while not until.is_set():
        for service, body in (
            ("request-interaction", "_resource_group=DNIS&_booking_expiration_timeout=5"),
            ("match-interaction", None),
        ):
            if body is None:
                body = f"_access_number={number}"
            began = time.monotonic()
            connection.request("POST", f"/genesys/1/service/{service}", body, HEADERS)
            answer = connection.getresponse()
            text = answer.read().decode()
            times.append((began, time.monotonic() - began))
            if answer.status != 200:
                break
            if service == "request-interaction":
                number = text.split('"_access_number":"')[1].split('"')[0]


def import_file(address: str, text: bytes) -> float:
    """Imports a file of numbers; how long it took."""
    headers = {
        "Content-Type": "text/csv",
        "Authorization": "Basic " + base64.b64encode(b"admin:password").decode(),
    }
    connection = http.client.HTTPConnection(address, timeout=600)
    began = time.monotonic()
    connection.request("POST", "/gateway/v1/numbers/import", text, headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    if answer.status != 200:
        sys.exit(f"the import was answered {answer.status}: {body}")
    return time.monotonic() - began


def percentile(times: list[float], part: float) -> float:
    """The time that this part of the requests did not exceed, in milliseconds."""
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def main(binary: str, rows: int, clients: int) -> None:
    # Made before anything is timed: it would stop the clients of this process as well.
    text = "number,dnid,group,enabled\n" + "".join(f"49{row:010},,bulk,true\n" for row in range(rows))
    file = text.encode()
    with tempfile.TemporaryDirectory() as data:
        command = [binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", data]
        gateway = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = gateway.stdout.readline().split("http://")[1].strip()
            until = threading.Event()
            times: list[list[tuple[float, float]]] = [[] for _ in range(clients)]
            threads = [threading.Thread(target=client, args=(address, until, times[n])) for n in range(clients)]
            for thread in threads:
                thread.start()
            time.sleep(ALONE_SECONDS)
            began = time.monotonic()
            took = import_file(address, file)
            ended = time.monotonic()
            until.set()
            for thread in threads:
                thread.join()
        finally:
            gateway.kill()
            gateway.wait()
    every = [pair for pairs in times for pair in pairs]
    alone = [duration for start, duration in every if start + duration < began]
    beside = [duration for start, duration in every if start + duration >= began and start <= ended]
    print(f"{rows} numbers imported in {took:.2f} s")
    for name, durations in (("alone", alone), ("beside", beside)):
        p50, p99 = percentile(durations, 0.5), percentile(durations, 0.99)
        print(f"{name}: {len(durations)} requests, p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {1000 * max(durations):.0f} ms")
    print(f"p99 beside an import is {percentile(beside, 0.99) / percentile(alone, 0.99):.1f} times that of p99 alone")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    given = [int(text) for text in sys.argv[2:4]]
    main(sys.argv[1], *(given + [100_000, 4][len(given) :]))
