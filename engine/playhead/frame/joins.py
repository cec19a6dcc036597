"""The verbs that bring frames together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from playhead import plan
from playhead.durations import microseconds
from playhead.errors import PlanError
from playhead.frame.pandas_arguments import refuse
from playhead.frame.planned import Planned

if TYPE_CHECKING:
    from playhead.frame.frame import Frame

Names = str | Sequence[str] | None


class JoinVerbs(Planned):
    """`merge` and `merge_asof`, as pandas has them."""

    __slots__ = ()

    def merge(
        self,
        right: Frame,
        *,
        on: Names = None,
        left_on: Names = None,
        right_on: Names = None,
        how: str = "inner",
        ttl: Any = None,
        suffixes: tuple[str, str] = ("_x", "_y"),
        **pandas: Any,
    ) -> Frame:
        """Pairs of rows with equal keys; with `how="left"`, left rows without a partner too, their right side null.

        Missing keys never match. The result has no event time; for a window on it say
        `.with_time(column, out_of_order=...)`.

        Parameters
        ----------
        right : Frame
            The other frame.
        on, left_on, right_on : str or list of str
            The keys; by default all columns that both frames have.
        how : {"inner", "left"}
            What happens to left rows without a partner.
        ttl : str or timedelta, optional
            How long (in event time) a row waits for its partner. Without it, every row of an endless input is kept.
        suffixes : tuple of str
            Put behind columns that both frames have and that are not keys.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> trades = ph.from_pandas(pd.DataFrame({"symbol": ["a", "b"], "price": [1.0, 2.0]}))
        >>> names = ph.from_pandas(pd.DataFrame({"symbol": ["a"], "name": ["Alpha"]}))
        >>> trades.merge(names, on="symbol").compute()
          symbol  price   name
        0      a    1.0  Alpha
        """
        refuse(pandas)
        if how not in ("inner", "left"):
            raise PlanError(
                f"how={how!r}: merge can do 'inner' and 'left'"
                + ("; swap the frames for 'right'" if how == "right" else "")
                + ("; say left.assign(k=1).merge(right.assign(k=1), on='k') for 'cross'" if how == "cross" else "")
            )
        pairs = _pairs(self._node, _node_of(right, "merge"), on, left_on, right_on, required=True)
        life = None if ttl is None else microseconds(ttl, "ttl")
        return self._with(plan.Merge(self._node, right.node, pairs, how, life, (suffixes[0], suffixes[1])))

    def merge_asof(
        self,
        right: Frame,
        *,
        on: str | None = None,
        left_on: str | None = None,
        right_on: str | None = None,
        by: Names = None,
        left_by: Names = None,
        right_by: Names = None,
        tolerance: Any = None,
        allow_exact_matches: bool = True,
        suffixes: tuple[str, str] = ("_x", "_y"),
        **pandas: Any,
    ) -> Frame:
        """Each row with the latest row of `right` (of the same `by`) that happened at or before it.

        Time is the event time of the two frames. A row without a partner keeps its place, its right side null.
        Among right rows of the same time the last by the order key wins.

        Parameters
        ----------
        right : Frame
            The other frame, such as the weather at a departure.
        on, left_on, right_on : str, optional
            As in pandas, for readers: must be the event times of the frames.
        by, left_by, right_by : str or list of str
            Columns that must be equal.
        tolerance : str or timedelta, optional
            How old the right row may be.
        allow_exact_matches : bool
            Whether a right row of the very same time counts.
        """
        refuse(pandas)
        other = _node_of(right, "merge_asof")
        for side, asked in ((self._node, left_on or on), (other, right_on or on)):
            time = plan.require_event_time(side, "merge_asof")
            if asked is not None and time.column != asked:
                raise PlanError(
                    f"merge_asof joins on event time, which is {time.column!r} here, not {asked!r}; see .with_time(...)"
                )
        pairs = _pairs(self._node, other, by, left_by, right_by, required=False)
        reach = None if tolerance is None else microseconds(tolerance, "tolerance")
        return self._with(
            plan.MergeAsof(self._node, other, pairs, reach, allow_exact_matches, (suffixes[0], suffixes[1]))
        )


def concat(frames: Iterable[Frame], **pandas: Any) -> Frame:
    """All rows of several frames with the same columns; the watermark is the smallest of theirs.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> a = ph.from_pandas(pd.DataFrame({"x": [1]}))
    >>> ph.concat([a, a]).agg(n=("x", "count")).compute()
       n
    0  2
    """
    from playhead.frame.frame import Frame

    refuse(pandas)
    if isinstance(frames, Frame):
        raise PlanError("concat takes a list of frames: ph.concat([one, another])")
    nodes = tuple(frame.node for frame in frames)
    if not nodes:
        raise PlanError("concat needs at least one frame")
    return Frame(nodes[0]) if len(nodes) == 1 else Frame(plan.Concat(nodes))


def _node_of(right: object, verb: str) -> plan.Node:
    if not hasattr(right, "node"):
        raise PlanError(f"{verb} takes a frame, not {type(right).__name__}; see ph.from_pandas and ph.from_arrow")
    return cast(plan.Node, right.node)


def _pairs(
    left: plan.Node, right: plan.Node, both: Names, left_on: Names, right_on: Names, *, required: bool
) -> tuple[tuple[str, str], ...]:
    if both is not None and (left_on is not None or right_on is not None):
        raise PlanError("give the keys for both frames at once, or for the left and the right one, not both ways")
    if both is None and left_on is None and right_on is None:
        if not required:
            return ()
        both = [name for name in left.schema.names if name in right.schema.names]
        if not both:
            raise PlanError(
                f"no column is in both frames: {left.schema.names} and {right.schema.names}; "
                "give on=, or left_on= and right_on="
            )
    if both is not None:
        left_on = right_on = both
    lefts, rights = _names(left_on), _names(right_on)
    if len(lefts) != len(rights) or not lefts:
        raise PlanError(f"as many keys on the left as on the right are needed: {lefts} and {rights}")
    return tuple(zip(lefts, rights, strict=True))


def _names(names: Names) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)
