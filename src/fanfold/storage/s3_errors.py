"""What the answers of an S3 server mean, as one line for the user."""

from __future__ import annotations

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from fanfold.errors import FanfoldError, UserError
from fanfold.storage.errors import CHANGED, AccessDenied, Changed, NotFound, Unreachable
from fanfold.storage.retry import TRANSIENT_STATUSES

EXPIRED = "the session token is expired or not valid: renew the credentials (AWS_SESSION_TOKEN)"
UNKNOWN_KEY = "the server does not know the access key: check AWS_ACCESS_KEY_ID and the endpoint"
DENIALS = {
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "InvalidToken": EXPIRED,
    "InvalidTokenId": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "RequestExpired": EXPIRED,
    "InvalidAccessKeyId": UNKNOWN_KEY,
    "SignatureDoesNotMatch": "the secret key is wrong: check AWS_SECRET_ACCESS_KEY",
    "RequestTimeTooSkewed": "the clocks of this machine and of the server differ too much",
}
OTHER_REGION = {
    "AuthorizationHeaderMalformed",
    "IncorrectEndpoint",
    "MovedPermanently",
    "PermanentRedirect",
    "Redirect",
    "TemporaryRedirect",
}
FAILURES = {"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "SlowDownRead"}
UNAVAILABLE = {"InvalidObjectState": "the object is archived: restore it first"}


def code_and_status(error: MinioException) -> tuple[str, int]:
    """The server's code for what is wrong ("" where it gave none), and its HTTP status."""
    if isinstance(error, S3Error):
        return error.code or "", error.response.status
    if isinstance(error, ServerError):
        return "", error.status_code
    return "", error._code if isinstance(error, InvalidResponseError) else 0


def told(error: MinioException, uri: str) -> FanfoldError:
    """The error to raise for a server's answer about the object or prefix at `uri`.

    The server's own text is left out: it may repeat the access key and the signature.
    """
    code, status = code_and_status(error)
    bucket = "/".join(uri.split("/", 3)[:3])
    if code == "NoSuchBucket":
        return NotFound(f"there is no bucket {bucket}: check its name and the endpoint")
    if code in ("NoSuchKey", "NoSuchVersion") or (status == 404 and not code):
        return NotFound(f"no object at {uri}: check the key")
    if code == "PreconditionFailed" or status in (412, 416):
        return Changed(f"{uri} {CHANGED}")
    if code in DENIALS:
        return AccessDenied(f"{uri}: {DENIALS[code]}")
    if status in (401, 403) and code not in UNAVAILABLE:
        return AccessDenied(
            f"access to {uri} is denied: check that it exists and what these credentials may do"
        )
    if code in OTHER_REGION or status in (301, 307):
        headers = error.response.headers if isinstance(error, S3Error) else {}
        region = headers.get("x-amz-bucket-region")
        return UserError(f"{bucket} lies in another region: set AWS_REGION to {region or 'it'}")
    if status in TRANSIENT_STATUSES or code in FAILURES:
        return Unreachable(f"{uri}: the server fails, with status {status} {code}".rstrip())
    return UserError(f"{uri}: {UNAVAILABLE.get(code, f'the server refuses: {status} {code}')}")
