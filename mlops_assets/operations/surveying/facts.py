"""What a survey finds, as plain values: each group of facts is a class, and a report writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

State = Literal["good", "partly", "missing", "unknown"]


@dataclass(frozen=True)
class Coverage:
    """How much was looked at.

    Attributes:
        files: entries that were listed.
        size_bytes: of them.
        looked_files: opened, judged and decoded.
        looked_bytes: of them.
        is_listed_whole: the listing came to its end.
        seconds: by the clock on the wall, all in all.
        cpu_s: processor seconds of looking.
        minutes: that were given.
    """

    files: int
    size_bytes: int
    looked_files: int
    looked_bytes: int
    is_listed_whole: bool
    seconds: float
    cpu_s: float
    minutes: float

    @property
    def is_sample(self) -> bool:
        """Whether there was more than was looked at."""
        return self.looked_files < self.files or not self.is_listed_whole

    @property
    def share_files(self) -> float:
        """Share of the listed files that was looked at, 0 to 1; 1 for an empty folder."""
        return self.looked_files / self.files if self.files else 1.0

    @property
    def share_bytes(self) -> float:
        """Share of the listed bytes that was looked at, 0 to 1; 1 for an empty folder."""
        return self.looked_bytes / self.size_bytes if self.size_bytes else 1.0


@dataclass(frozen=True)
class Kind:
    """Files of one kind: by content where looked at, else as files of the same suffix are.

    Attributes:
        kind: of the gates, such as `video`.
        files: all of them.
        size_bytes: of them.
        looked: how many of them were looked at.
        duration_s: of those looked at.
        largest: path of the largest.
        largest_bytes: its size.
    """

    kind: str
    files: int
    size_bytes: int
    looked: int
    duration_s: float
    largest: str
    largest_bytes: int


@dataclass(frozen=True)
class Codec:
    """Files looked at of one codec or format; `size` is the commonest picture size, or empty."""

    kind: str
    codec: str
    files: int
    size_bytes: int
    size: str


@dataclass(frozen=True)
class Source:
    """The first folder. `first` and `last` are days of capture, empty where not known."""

    source: str
    files: int
    size_bytes: int
    looked: int
    stopped: int
    first: str
    last: str


@dataclass(frozen=True)
class Month:
    """Media captured in a month, `YYYY-MM`, among those looked at."""

    month: str
    files: int


@dataclass(frozen=True)
class Group:
    """Files with something in common.

    Attributes:
        name: a code of the gates, or `dark`, `blurred`.
        says: what that means, for people.
        files: how many.
        examples: paths of up to 12.
    """

    name: str
    says: str
    files: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Copies:
    """Files of the same bytes.

    Attributes:
        files: that could go without a loss.
        size_bytes: of them.
        groups: up to 12 groups of equal files, the largest waste first, up to 6 paths of each.
        unread: files of equal size that there was no time to compare.
    """

    files: int
    size_bytes: int
    groups: tuple[tuple[str, ...], ...]
    unread: int


@dataclass(frozen=True)
class Notes:
    """What is said of the media beside them.

    Attributes:
        sidecars: files that are sidecars, by their names.
        described: media that have one, by their names.
        media: that could have one.
        bad: sidecars looked at that cannot be read.
        labels_files: `labels.csv` found.
        label_count: labels read in sidecars and labels files looked at.
        labels: the most frequent with how often.
        foreign: files that look like labels of other tools, which are not read here.
    """

    sidecars: int
    described: int
    media: int
    bad: int
    labels_files: int
    label_count: int
    labels: tuple[tuple[str, int], ...]
    foreign: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """One line of the checklist: what is asked, how it stands, and the evidence."""

    topic: str
    state: State
    says: str
    evidence: str


@dataclass(frozen=True)
class Cost:
    """What a table would take for the whole folder, estimated.

    Attributes:
        table: its name.
        rows: of it.
        seconds: of one process, by the clock; 0 for a table made together with the one before.
        size_bytes: on disk.
    """

    table: str
    rows: int
    seconds: float
    size_bytes: int


@dataclass(frozen=True)
class Costs:
    """The price of the full run, and what it rests on.

    Attributes:
        tables: in the order they are made.
        basis: how it was estimated, for people; why there is none, if there is none.
    """

    tables: tuple[Cost, ...] = ()
    basis: str = ""

    @property
    def seconds(self) -> float:
        """Seconds of one process, of all tables."""
        return sum(one.seconds for one in self.tables)

    @property
    def size_bytes(self) -> int:
        """Bytes on disk, of all tables."""
        return sum(one.size_bytes for one in self.tables)


@dataclass(frozen=True)
class Picture:
    """A small picture for the page.

    Attributes:
        path: of the file.
        says: one line below it.
        jpeg: empty where nothing could be shown.
    """

    path: str
    says: str
    jpeg: bytes = b""


@dataclass(frozen=True)
class Survey:
    """Everything a survey found; `sheets` are pictures by the name of what they show."""

    folder: str
    made_at: datetime
    coverage: Coverage
    kinds: tuple[Kind, ...]
    codecs: tuple[Codec, ...]
    sources: tuple[Source, ...]
    months: tuple[Month, ...]
    months_missing: tuple[str, ...]
    dated_by: tuple[tuple[str, int], ...]
    stopped: tuple[Group, ...]
    flagged: tuple[Group, ...]
    dark: Group
    blurred: Group
    copies: Copies
    notes: Notes
    checks: tuple[Check, ...]
    costs: Costs
    sheets: dict[str, tuple[Picture, ...]] = field(default_factory=dict)
