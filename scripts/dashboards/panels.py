"""Builds the panels of all dashboards, and puts them together."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from grafana_foundation_sdk.builders import common, dashboard, heatmap, stat, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as values
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel = timeseries.Panel | stat.Panel | heatmap.Panel
Steps = Sequence[tuple[float | None, str]]
"""Pairs of a value and the colour from it on; below the first it is green, unless that value is None."""

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "jarvis"
COLUMNS = 24


def graph(
    title: str,
    unit: str,
    description: str,
    queries: Mapping[str, str],
    steps: Steps = (),
) -> timeseries.Panel:
    """Return a graph of lines over time, for queries by their legend; `steps` are drawn as lines across."""
    panel = (
        timeseries.Panel()
        .title(title)
        .unit(unit)
        .description(description)
        .datasource(SOURCE)
        .min(0)
        .height(8)
        .line_width(1)
        .fill_opacity(5)
        .show_points(values.VisibilityMode.NEVER)
        .tooltip(common.VizTooltipOptions().mode(values.TooltipDisplayMode.MULTI))
        .legend(
            common.VizLegendOptions()
            .display_mode(values.LegendDisplayMode.LIST)
            .placement(values.LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003 - the builder's own
        )
    )
    if steps:
        panel.thresholds(_thresholds(steps)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(values.GraphThresholdsStyleMode.DASHED)
        )
    for target in _targets(queries):
        panel.with_target(target)
    return panel


def stack(title: str, unit: str, description: str, queries: Mapping[str, str]) -> timeseries.Panel:
    """Return a graph of stacked lines."""
    normal = common.StackingConfig().mode(values.StackingMode.NORMAL)
    return graph(title, unit, description, queries).fill_opacity(20).stacking(normal)


def figure(
    title: str,
    unit: str,
    description: str,
    queries: Mapping[str, str],
    steps: Steps = (),
) -> stat.Panel:
    """Return a panel with one large figure per query: its current value, in the colour of its step."""
    panel = (
        stat.Panel()
        .title(title)
        .unit(unit)
        .description(description)
        .datasource(SOURCE)
        .height(5)
        .no_value("no data")
        .thresholds(_thresholds(steps))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .color_mode(values.BigValueColorMode.VALUE)
        .graph_mode(values.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for target in _targets(queries):
        panel.with_target(target)
    return panel


def spread(title: str, unit: str, description: str, query: str) -> heatmap.Panel:
    """Return a heatmap of a histogram's buckets over time; `query` gives their values by `le`."""
    (target,) = _targets({"{{le}}": query})
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .height(8)
        .calculate(False)  # noqa: FBT003 - the builder's own: Prometheus has the buckets
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Blues").steps(64))
        .with_target(target.format(PromQueryFormat.HEATMAP))
    )


def _targets(queries: Mapping[str, str]) -> Iterable[Dataquery]:
    for letter, (legend, expr) in zip("ABCDEFGHIJ", queries.items(), strict=False):
        yield Dataquery().expr(expr).legend_format(legend).range().ref_id(letter).datasource(SOURCE)


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    whole = steps if steps and steps[0][0] is None else [(None, "green"), *steps]
    marks = [Threshold(None if value is None else float(value), colour) for value, colour in whole]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(marks)


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Return a variable by which the reader may narrow a dashboard; it is "All" by default."""
    everything = VariableOption(selected=True, text="All", value="$__all")
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .current(everything)
        .multi(True)  # noqa: FBT003 - the builder's own
        .include_all(True)  # noqa: FBT003
        .all_value(".*")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def page(
    uid: str,
    title: str,
    description: str,
    choices: Iterable[dashboard.QueryVariable],
    rows: Mapping[str, Sequence[Panel]],
) -> Dashboard:
    """Return a dashboard with rows of panels, which share the width of their row evenly."""
    links = (
        dashboard.DashboardLink("Jarvis")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)  # noqa: FBT003 - the builder's own
        .keep_time(True)  # noqa: FBT003
    )
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(links)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in choices:
        built.with_variable(variable)
    ids = count(1)
    for name, panels in rows.items():
        built.with_row(dashboard.Row(name).id(next(ids)))
        for panel in panels:
            built.with_panel(panel.id(next(ids)).span(COLUMNS // len(panels)))
    return built.build()
