"""What goes wrong below HTTP, as our errors. aiohttp's texts may hold headers, so only the system's words are kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from maintd.cluster.endpoints import Endpoint
from maintd.cluster.replies import Unreachable
from maintd.core.errors import ConfigError, Transient, Unreadable


class Untrusted(Unreadable):
    """The server's certificate is not one that our CA vouches for."""


class _Broken(Exception):
    """The connection broke after it was made."""


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Middleware. aiohttp itself sends PUT and DELETE again when a connection breaks; only we know which may be."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken(type(error).__name__) from None


@contextmanager
def translated(what: str, endpoint: Endpoint) -> Iterator[None]:
    """Raises Transient, Unreachable, Untrusted, Unreadable or ConfigError, naming `what` was asked for."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError:
        raise Untrusted(
            f"{what}: the server's certificate is not one that our CA vouches for; "
            "check certificate-authority and server in the kubeconfig"
        ) from None
    except aiohttp.ConnectionTimeoutError:
        raise Unreachable(what, endpoint.unreached("no answer")) from None
    except aiohttp.ServerTimeoutError:
        raise Transient(f"{what}: the server fell silent") from None
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(what, endpoint.unreached(_words(error.os_error))) from None
    except aiohttp.ClientResponseError:
        raise Unreadable(f"{what}: the reply is not HTTP; is the server's address that of an API server?") from None
    except aiohttp.InvalidURL:
        raise ConfigError(f"{what}: the server's address is not a URL; check server in the kubeconfig") from None
    except (aiohttp.ClientError, ConnectionError, _Broken):
        raise Transient(f"{what}: the connection broke before the answer was whole") from None


def _words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
