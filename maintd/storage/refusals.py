"""What an error of Google's libraries means to a run. Their messages hold URLs and bodies, so none is passed on."""

from datetime import timedelta

import requests
import urllib3
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    TimeoutError,  # noqa: A004 - Google's own, which is no OSError
    TransportError,
)
from google.cloud.storage.exceptions import DataCorruption

from maintd.core.errors import Conflict, Denied, JobError, Missing, Transient, Unreadable

CREATOR, VIEWER = "roles/storage.objectCreator", "roles/storage.objectViewer"
DESCRIBER = "roles/storage.legacyBucketReader"
"""Google's narrowest with storage.buckets.get that can be granted on one bucket; it may list objects, not read them:
https://cloud.google.com/storage/docs/access-control/iam-roles"""
PRUNER = "a role with storage.objects.delete"
"""No role of Google's holds just that: `maintd render iam` makes one, and binds it to the folders it is for."""
_NO_BUCKET = "bucket does not exist"
_LOGIN = (
    "in GKE give maintd's ServiceAccount an identity (Workload Identity; `maintd render iam` prints the "
    "lines), elsewhere: gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS"
)
_METADATA = "see to Workload Identity, and that the NetworkPolicy lets maintd reach it"
_NETWORK = "look at DNS, at the NetworkPolicy's egress and at https://status.cloud.google.com"


def refusal(error: Exception, what: str, bucket: str, role: str) -> JobError:
    """The error of our tree for one of Google's: `what` could not be done, and `role` is what it takes."""
    if isinstance(error, JobError):
        return error
    if isinstance(error, GoogleAPICallError):
        return _answered(error, what, bucket, role)
    if isinstance(error, GoogleAuthError):
        return _unknown_here(error, what)
    if isinstance(error, DataCorruption):
        return Unreadable(f"{what}: the bytes that came are not those of its checksum; ask again")
    # What is no JSON is a ValueError besides being a RequestException; anything else of these is the network.
    if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError) and not isinstance(
        error, ValueError
    ):
        return Transient(f"{what}: no connection to Google Cloud Storage, {type(error).__name__}; {_NETWORK}")
    return Unreadable(
        f"{what}: what answered does not speak Google Cloud Storage's language ({type(error).__name__}); "
        "look for a proxy on the way"
    )


def _answered(error: GoogleAPICallError, what: str, bucket: str, role: str) -> JobError:
    status = int(error.code or 0)
    said = f"{what}: Google Cloud Storage answered {status}"
    if status in (408, 429) or status >= 500:
        return Transient(f"{said}; it may pass, see https://status.cloud.google.com", retry_after=_retry_after(error))
    if status == 401:
        return Denied(f"{said}, it does not know these credentials; {_LOGIN}")
    if status == 403:
        return Denied(f"{said}; {_grant(bucket, role)}; or the bucket holds objects back (retention)")
    if status == 404 and (_NO_BUCKET in str(error.message) or role == CREATOR):
        return no_bucket(what, bucket)
    if status == 404:
        return Missing(f"{what}: it is not there: it was never written, or somebody removed it")
    if status in (409, 412):
        return Conflict(f"{said}: something is there already, and nothing in the store is ever overwritten")
    return Unreadable(f"{said}, which maintd does not expect; look for a proxy on the way")


def no_bucket(what: str, bucket: str) -> Missing:
    """There is no such bucket, with the line that makes it."""
    return Missing(
        f"{what}: there is no bucket {bucket}; correct MAINTD_STORAGE, or: gcloud storage buckets create gs://{bucket} "
        "--location=REGION --uniform-bucket-level-access --public-access-prevention"
    )


def _grant(bucket: str, role: str) -> str:
    if role == PRUNER:
        rules = f"gcloud storage buckets update gs://{bucket} --lifecycle-file=FILE (docs/store.md)"
        return (
            "run what `maintd render iam` prints; or take `retention` or the `backup-prune` job out of jobs.yaml, "
            f"and let rules delete: {rules}"
        )
    line = f"gcloud storage buckets add-iam-policy-binding gs://{bucket} --member=MEMBER --role={role}"
    return f"grant it: {line} (`maintd render iam` prints it with the MEMBER)"


def _unknown_here(error: GoogleAuthError, what: str) -> JobError:
    away = isinstance(error, TransportError | TimeoutError) or isinstance(error.__cause__, TransportError)
    if away or getattr(error, "retryable", False):
        return Transient(f"{what}: the metadata server gave out no token; {_METADATA}")
    if isinstance(error, DefaultCredentialsError):
        return Denied(f"{what}: no Google credentials were found, or they cannot be read; {_LOGIN}")
    if isinstance(error, RefreshError):
        return Denied(f"{what}: Google takes these credentials no longer; {_LOGIN}")
    return Denied(f"{what}: the Google credentials cannot be used ({type(error).__name__}); {_LOGIN}")


def _retry_after(error: GoogleAPICallError) -> timedelta | None:
    """Seconds are read, a date is not: `Retry-After` of a bucket is a number."""
    headers = getattr(error.response, "headers", None) or {}
    seconds = str(headers.get("Retry-After", ""))
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 6 else None
