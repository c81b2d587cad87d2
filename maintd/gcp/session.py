"""One connection to the GKE API. Importing this module loads Google's libraries."""

import ipaddress
import threading
from datetime import timedelta
from typing import Any

import grpc
from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport

from maintd.gcp.question import Question
from maintd.gcp.refusals import refusal

_PLAIN = (("grpc.enable_http_proxy", 0),)


class Session:
    """Asks questions of many threads over one channel. Only reads: what is asked may be asked again."""

    def __init__(self, endpoint: str, deadline: timedelta) -> None:
        self._endpoint = endpoint
        self._seconds = deadline.total_seconds()
        self._connecting = threading.Lock()
        self._client: ClusterManagerClient | None = None
        # The client's own goes on for 20 s whatever `timeout` says, and asks a call again that ran out of time.
        self._retry = retry.Retry(
            predicate=retry.if_exception_type(exceptions.ServiceUnavailable),
            initial=0.2,
            maximum=2.0,
            timeout=self._seconds,
        )

    def ask(self, question: Question) -> Any:
        """The bare protobuf message that came. Raises JobError."""
        try:
            call = getattr(self._connected(), question.method)
            reply = call(request=question.request, timeout=self._seconds, retry=self._retry)
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise refusal(error, question) from None
        return type(reply).pb(reply)

    def close(self) -> None:
        """Close the channel; a call that is under way ends as cancelled."""
        if self._client is not None:
            self._client.transport.close()  # type: ignore[no-untyped-call]  # the library's own lack

    def _connected(self) -> ClusterManagerClient:
        with self._connecting:
            self._client = self._client or _client(self._endpoint)
            return self._client


def _client(endpoint: str) -> ClusterManagerClient:
    if not endpoint:
        return ClusterManagerClient()
    if not is_loopback(endpoint):
        return ClusterManagerClient(client_options={"api_endpoint": endpoint})
    channel = grpc.insecure_channel(endpoint, options=_PLAIN)
    transport = ClusterManagerGrpcTransport(channel=channel)
    return ClusterManagerClient(transport=transport)


def is_loopback(endpoint: str) -> bool:
    """True for an address of this machine: `127.0.0.1:1234`, `[::1]:1234`, `localhost:1234`."""
    host = endpoint.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
