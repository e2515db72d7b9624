"""A folder looked over before anything is built on it: what is there, how fit, at what price.

`survey` looks, in processes that can be killed, and writes nothing;
`survey_text`, `survey_page` and `survey_record` say it to people, to a browser and to programs.
"""

from __future__ import annotations

from mlops_assets.operations.surveying.facts import Survey
from mlops_assets.operations.surveying.page import survey_page
from mlops_assets.operations.surveying.record import survey_record
from mlops_assets.operations.surveying.running import survey
from mlops_assets.operations.surveying.text import survey_text

__all__ = ["Survey", "survey", "survey_page", "survey_record", "survey_text"]
