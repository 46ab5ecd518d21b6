"""What is done to a cluster while clients use it. Each fault is a function of the cluster and a chance; it is over when it
returns. It returns the gateways that it hit: all others must go on.

Needs nothing beyond the standard library.
"""

import signal
import time

SHORT, LONG = 0.3, 6.0
"""Seconds that something stands still: from nothing worth noticing to longer than every time-out of a gateway's session."""


def killed(cluster, chance):
    """A gateway is killed (SIGKILL) and started again."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.gateways[hit].kill()
    time.sleep(chance.uniform(SHORT, 3))
    cluster.gateways[hit].start()
    return [hit]


def killed_in_commit(cluster, chance):
    """A gateway is killed while its COMMIT is on the way, which never arrives."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.at_commit(hit, "hold-before")
    cluster.gateways[hit].kill()
    time.sleep(chance.uniform(SHORT, 3))
    cluster.proxies[hit].cut()
    cluster.proxies[hit].release()
    cluster.gateways[hit].start()
    return [hit]


def stopped(cluster, chance):
    """A gateway is stopped (SIGSTOP) and goes on later."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.gateways[hit].pause()
    time.sleep(chance.uniform(SHORT, LONG))
    cluster.gateways[hit].resume()
    return [hit]


def stopped_with_the_lock(cluster, chance):
    """A gateway is stopped between lock and COMMIT, and goes on when others have taken over."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.at_commit(hit, "hold-before")
    cluster.gateways[hit].pause()
    time.sleep(chance.uniform(2, LONG))
    cluster.proxies[hit].release()
    cluster.gateways[hit].resume()
    return [hit]


def sessions_ended(cluster, chance):
    """An administrator ends the sessions of a gateway."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.server.end_sessions(cluster.gateways[hit].name)
    return [hit]


def delayed(cluster, chance):
    """The way to the database takes long."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.proxies[hit].delay(chance.uniform(0.01, 0.2))
    time.sleep(2)
    cluster.proxies[hit].delay(0)
    return [hit]


def cut(cluster, chance):
    """All connections of a gateway to the database are cut, and for a while none can be made."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.proxies[hit].refuse(True)
    cluster.proxies[hit].cut()
    time.sleep(chance.choice((0, 0.5, 3)))
    cluster.proxies[hit].refuse(False)
    return [hit]


def _at_commit(cluster, chance, what):
    """Something happens to one gateway's connection at its next COMMIT; one that is held is let go after a while."""
    hit = chance.randrange(len(cluster.gateways))
    cluster.at_commit(hit, what)
    if what.startswith("hold-"):
        time.sleep(chance.uniform(SHORT, LONG))
        cluster.proxies[hit].release()
    return [hit]


def cut_before_commit(cluster, chance):
    """The connection is cut just before COMMIT reaches the server."""
    return _at_commit(cluster, chance, "cut-before")


def cut_after_commit(cluster, chance):
    """The server has the COMMIT; its answer never arrives."""
    return _at_commit(cluster, chance, "cut-after")


def silent_before_commit(cluster, chance):
    """A gateway hears nothing more from just before its COMMIT on, for a while."""
    return _at_commit(cluster, chance, "hold-before")


def silent_after_commit(cluster, chance):
    """The same, but the server has the COMMIT."""
    return _at_commit(cluster, chance, "hold-after")


def server_restarted(cluster, _chance):
    """The server is restarted in good order."""
    cluster.server.restart(signal.SIGINT)
    return list(range(len(cluster.gateways)))


def server_crashed(cluster, _chance):
    """The server ends without writing anything more, and recovers."""
    cluster.server.restart(signal.SIGQUIT)
    return list(range(len(cluster.gateways)))


ALL = (
    killed,
    killed_in_commit,
    stopped,
    stopped_with_the_lock,
    sessions_ended,
    delayed,
    cut,
    cut_before_commit,
    cut_after_commit,
    silent_before_commit,
    silent_after_commit,
    server_restarted,
    server_crashed,
)
