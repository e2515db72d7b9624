"""A message arrives, or an error says that it did not, and never where it was sent."""

from __future__ import annotations

import pytest

from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.operations.alerting import post_alert
from mlops_assets_tests.operations.webhook import serve_webhook


def test_a_message_arrives_as_it_was_sent():
    with serve_webhook() as hook:
        post_alert(hook.url, {"text": "eins\nzwei ü", "failed_checks": [{"offending_rows": 3}]})
    assert hook.taken == [{"text": "eins\nzwei ü", "failed_checks": [{"offending_rows": 3}]}]


@pytest.mark.parametrize("status", [302, 307, 400, 404, 500])
def test_an_answer_that_is_no_success_is_to_be_tried_again(status: int):
    with serve_webhook() as hook:
        hook.status = status
        with pytest.raises(TransientError) as failed:
            post_alert(hook.url, {})
    assert str(status) in str(failed.value)
    assert "secret" not in str(failed.value)


def test_nobody_there_is_to_be_tried_again():
    with serve_webhook() as hook:
        pass
    with pytest.raises(TransientError, match="not taken") as failed:
        post_alert(hook.url, {})
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/secret", "secret", "HTTP//x"])
def test_another_address_is_for_an_operator(url: str):
    with pytest.raises(ConfigurationError, match="MLOPS_ALERT_URL") as failed:
        post_alert(url, {})
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("url", ["http://", "http://[secret", "http://a b/secret", "http://x:y/"])
def test_an_address_that_cannot_be_is_told_without_it(url: str):
    with pytest.raises(TransientError, match="not taken") as failed:
        post_alert(url, {})
    assert "secret" not in str(failed.value)
