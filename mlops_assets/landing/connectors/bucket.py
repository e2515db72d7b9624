"""A bucket of any store that speaks S3: AWS, MinIO, Ceph, R2, Google's by its S3 interface."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.landing.connectors.connector import PAGE_ITEMS, Connector, Item, Page, Scratch

_CHUNK = 1 << 20
_GONE = {"NoSuchKey", "404", "PreconditionFailed", "412"}
_REFUSED = {"AccessDenied", "403", "InvalidObjectState"}
_OURS = {"InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch"}


@dataclass(frozen=True)
class BucketConnector(Connector):
    """Every object below a prefix, in the order of the keys.

    botocore rather than the lake's own client: that one cannot list a page in which one key has an
    empty or a `..` segment, and such keys are legal. Credentials are those of the environment
    (`AWS_ACCESS_KEY_ID`, ..., or the machine's role) unless the options name variables.

    Args:
        bucket: its name.
        prefix: what the keys begin with; `north-gate/`.
        endpoint_url: of a store that is not AWS.
        region: of the bucket.
        keys_grow: whether new keys always sort behind old ones (dated names): then a look asks
            only for what is behind the last one, and changes of older objects are not seen.
        access_key_id: `${NAME}`.
        secret_access_key: `${NAME}`.
    """

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = ""
    keys_grow: bool = False
    access_key_id: str = field(default="", repr=False, metadata={"secret": True})
    secret_access_key: str = field(default="", repr=False, metadata={"secret": True})

    def describe(self) -> str:
        """Endpoint, bucket and prefix."""
        return f"bucket {self.endpoint_url or 's3:/'}/{self.bucket}/{self.prefix}"

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """Objects behind the key that the cursor is; the last page starts over, or waits.

        Raises:
            TransientError: no answer.
            ConfigurationError: no such bucket, or no access to it.
        """
        with _translated(of_item=False):
            goes_on = True
            while goes_on:
                after = {"StartAfter": cursor} if cursor else {}
                answer = self._client.list_objects_v2(
                    Bucket=self.bucket, Prefix=self.prefix, MaxKeys=PAGE_ITEMS, **after
                )
                found, goes_on = answer.get("Contents", []), answer["IsTruncated"]
                cursor = found[-1]["Key"] if found else cursor
                items = tuple(self._item(one) for one in found if not one["Key"].endswith("/"))
                yield Page(items, cursor if goes_on or self.keys_grow else None)

    def open(self, item: Item, scratch: Scratch) -> Path:
        """Fetch an object, in the version that was listed; a later try goes on where one stopped.

        Raises:
            InputError: it is gone or was replaced (`vanished`), is not for us (`refused`) or is
                `too_large`.
            TransientError: no answer, or too late.
        """
        have = scratch.file.stat().st_size if scratch.file.exists() else 0
        have = have if item.size_bytes is not None and have < item.size_bytes else 0
        asked = {"Range": f"bytes={have}-"} if have else {}
        with _translated(of_item=True):
            answer = self._client.get_object(
                Bucket=self.bucket, Key=item.locator, IfMatch=item.etag, **asked
            )
            with closing(answer["Body"]) as body:
                return scratch.write(body.iter_chunks(_CHUNK), keep_bytes=have)

    def _item(self, one: dict[str, Any]) -> Item:
        key = one["Key"]
        name = key.removeprefix(self.prefix) or key
        return Item(name, one["Size"], one["LastModified"], etag=one["ETag"], locator=key)

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config

        return _session().create_client(
            "s3",
            endpoint_url=self.endpoint_url or None,
            region_name=self.region or None,
            aws_access_key_id=self.access_key_id or None,
            aws_secret_access_key=self.secret_access_key or None,
            config=Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3}),
        )


@lru_cache(maxsize=1)
def _session() -> Any:
    """One for all clients: it reads what it knows of S3 from disk once."""
    import botocore.session

    return botocore.session.get_session()


@contextmanager
def _translated(*, of_item: bool) -> Generator[None]:
    """Errors of the client as what can be done about them."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as err:
        code, said = err.response.get("Error", {}).get("Code", ""), str(err)[:300]
        if of_item and code in _GONE | _REFUSED:
            reason = "vanished" if code in _GONE else "refused"
            raise InputError(said, reason=reason) from err
        if code in _OURS | _REFUSED:
            raise ConfigurationError(said) from err
        raise TransientError(said) from err
    except NoCredentialsError as err:
        raise ConfigurationError("no credentials in the environment (AWS_ACCESS_KEY_ID)") from err
    except (BotoCoreError, OSError) as err:
        raise TransientError(str(err)[:300]) from err
