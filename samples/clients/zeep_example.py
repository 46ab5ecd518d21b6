#!/usr/bin/env python3
"""Lends, recognises and frees a number over SOAP, with zeep (`pip install zeep`).

Start the gateway with `cargo run --release -- serve --demo`, then run this file. BASE names another address.
"""

import os

import zeep

BASE = os.environ.get("BASE", "http://127.0.0.1:8080")

# The Interact API takes its credentials from HTTP headers. The key of the application that runs the interaction may
# lend numbers; the key of the DNIS application may look them up and, together with a user, free them.
CHANNEL = {"Tenant-Id": "12345678", "Application-Key": "53736e07e4b05772e6475c2d"}
IVR = {
    "Tenant-Id": "12345678",
    "Application-Key": "53475e5f1463f9ab2052ead",
    "User-Id": "YWRtaW4=",  # admin
    "User-Password": "cGFzc3dvcmQ=",  # password
}

client = zeep.Client(f"{BASE}/interact/version/2/agent/soap/agent.wsdl")

with client.settings(extra_http_headers=CHANNEL):
    number = client.service.AllocateDnis(uniqueId="Unique Id 3", group="test")
print(f"lent: {number}")

with client.settings(extra_http_headers=IVR):
    print(f"recognised: {client.service.GetDnisAllocation(phone=number)}")
    print(f"freed: {client.service.FreeDnisAllocation(phone=number)}")
