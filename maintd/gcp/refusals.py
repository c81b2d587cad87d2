"""What an error of Google's libraries means to a run."""

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from maintd.core.errors import Denied, JobError, Missing, Transient
from maintd.core.target import GkeCluster
from maintd.gcp.question import OPERATIONS, Question
from maintd.objects.fields import printable

_PASSING = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN", "CANCELLED")
_LOGIN = (
    "in GKE give the ServiceAccount an identity (Workload Identity; `maintd render iam` prints the lines), "
    "on a laptop: gcloud auth application-default login"
)


def refusal(error: Exception, question: Question) -> JobError:
    """The error of our tree for one of Google's, with what to do next."""
    if isinstance(error, RetryError) and isinstance(error.cause, GoogleAPICallError):
        error = error.cause
    if isinstance(error, GoogleAPICallError):
        return _answered(error, question)
    said = f"{question.method}: {printable(str(error), 200)}"
    if isinstance(error, GoogleAuthError) and not error.retryable:
        return Denied(f"there are no credentials that Google takes: {said}; {_LOGIN}")
    return Transient(said)


def _answered(error: GoogleAPICallError, question: Question) -> JobError:
    code, about = getattr(error.grpc_status_code, "name", "UNKNOWN"), question.about
    said = printable(str(error.message), 200)
    if code == "PERMISSION_DENIED":
        return _denied(error, question)
    if code == "UNAUTHENTICATED":
        return Denied(f"Google does not accept the credentials: {said}; {_LOGIN}")
    if code == "NOT_FOUND":
        return Missing(
            f"Google has no cluster {about.cluster} in {about.location} of project {about.project}; compare `gke:` of "
            f"the target with: gcloud container clusters list --project={about.project}"
        )
    if code == "UNIMPLEMENTED":
        return Missing(f"the GKE API has no call {question.method} here")
    if code in _PASSING:
        return Transient(f"{question.method} of {about.cluster}: {code}: {said}")
    return JobError(f"Google refused {question.method} of {about.cluster}: {said}; check `gke:` of the target")


def _denied(error: GoogleAPICallError, question: Question) -> Denied:
    about = question.about
    if error.reason == "SERVICE_DISABLED":
        return Denied(
            f"the GKE API is switched off in project {about.project}; "
            f"gcloud services enable container.googleapis.com --project={about.project}"
        )
    return Denied(
        f"may not do {question.method}: {question.permission} is missing in project {about.project}; "
        f"{_grant(question.permission, about)}"
    )


def _grant(permission: str, about: GkeCluster) -> str:
    bind = f"gcloud projects add-iam-policy-binding {about.project} --member=MEMBER --role="
    if permission != OPERATIONS:
        return f"{bind}roles/container.clusterViewer"
    # No role of Google's has it without the right to read all objects in all clusters of the project.
    role = f"gcloud iam roles create maintd --project={about.project} --permissions={permission}"
    return f"{role} && {bind}projects/{about.project}/roles/maintd"
