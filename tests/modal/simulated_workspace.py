"""What a simulated workspace answers to Modal's RPCs at an instant: from the world that the exports are written from.

Each answer is a plain function from the request's message to the reply's. Nothing here knows of connections or faults.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.beside_functions import BesideFunctions, SimulatedServer, server_data, server_id
from tests.modal.call_history import CallHistory, Ended, SimulatedCalls
from tests.modal.observed_functions import ObservedFunctions
from tieout.simulator import World
from tieout.simulator.app_exports import known_deployments, running_containers
from tieout.simulator.bill import Item
from tieout.simulator.billing_snapshots import DAY, HOUR, SeenBill, seen_bill
from tieout.simulator.call_log import write_call_log
from tieout.simulator.cli_format import CLIENT_VERSION, amount
from tieout.simulator.configuration import ContainerConfiguration
from tieout.simulator.ids import object_id
from tieout.simulator.scenario import App
from tieout.simulator.world import deployed_at, from_us, to_us

WORKSPACE_NAME = "coral-x"

_LONGEST_REPORT = dt.timedelta(days=31)
_LONGEST_CALL_RANGE = dt.timedelta(days=7)
_PERMILLE = 1000


class SimulatedWorkspace:
    """A workspace in which a simulated period has passed up to `now`, and which can be changed while it is served.

    Attributes:
        world: what happens in it.
        now: up to which instant it has happened (aware UTC). Hours and calls after it are not there yet.
        retention: for how long calls are kept (one day on Starter, thirty on Team), or None for ever.
        most_inputs: how many inputs a range may have before the server refuses to count it, or None for any number.
        observed: the series of its functions.
        beside: what its apps have beside functions.
    """

    def __init__(self, world: World, *, now: dt.datetime | None = None) -> None:
        self.world = world
        self.now = now or world.end + 30 * DAY
        self.retention: dt.timedelta | None = None
        self.most_inputs: int | None = None
        self.observed = ObservedFunctions(world)
        self.beside = BesideFunctions()
        self._calls: dict[tuple[str, str], CallHistory] = {}
        self._restated: dict[tuple[str, dt.datetime], int] = {}
        self._stopped: dict[str, dt.datetime] = {}
        self._deleted: set[str] = set()
        self._moved: dict[str, str] = {}

    # What can be changed

    def restate(self, name: str, hour: dt.datetime, permille: int) -> None:
        """Let an app or volume cost so many thousandths of what it costs in the hour; with 0, the hour vanishes."""
        self._restated[name, hour] = permille

    def stop_app(self, name: str) -> None:
        """Stop an app now: it is still listed, and found by its id only."""
        self._stopped[name] = self.now

    def delete_app(self, name: str) -> None:
        """Let an app be gone, as if it had never been there, but for the bill."""
        self._deleted.add(name)

    def move_app(self, name: str, environment: str) -> None:
        """Let an app have been in another environment all the time."""
        self._moved[name] = environment

    def replace_calls(self, app: str, function: str, history: CallHistory) -> None:
        """Serve other calls of a function than the simulated ones."""
        self._calls[app, function] = history

    # What is asked

    def answers(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return what answers each RPC: a reply, or an iterator of replies for a stream."""
        return {
            "AppDeploymentHistory": self._app_deployment_history,
            "AppGetByDeploymentName": self._app_get_by_deployment_name,
            "AppGetInfo": self._app_get_info,
            "AppGetOrCreate": self._app_get_or_create,
            "AppGetLifecycle": self._app_get_lifecycle,
            "AppGetTimeRangeStats": self._app_get_time_range_stats,
            "AppList": self._app_list,
            "EnvironmentBillingSummary": self._environment_billing_summary,
            "EnvironmentGetOrCreate": self._environment_get_or_create,
            "FunctionListVariants": self._function_list_variants,
            "SandboxGetTimeRangeStats": lambda request: self.beside.sandbox_costs(self._app(request.app_id), request),
            "ServerGetMetrics": self._server_get_metrics,
            "ServerGetTimeRangeStats": self._server_get_time_range_stats,
            "TaskList": self._task_list,
            "ClientHello": lambda _request: api_pb2.ClientHelloResponse(),
            "FunctionCallCount": self._function_call_count,
            "FunctionCallFetch": self._function_call_fetch,
            "FunctionGet": self._function_get,
            "FunctionGetById": self._function_get_by_id,
            "FunctionGetMetrics": self._function_get_metrics,
            "FunctionGetSchedulingParams": self._function_get_scheduling_params,
            "FunctionGetTimeRangeStats": self._function_get_time_range_stats,
            "MetricsGetInfo": self.observed.schema,
            "WorkspaceBillingRates": self._workspace_billing_rates,
            "WorkspaceBillingReport": self._workspace_billing_report,
            "WorkspaceBillingSummary": self._workspace_billing_summary,
            "WorkspaceNameLookup": lambda _request: api_pb2.WorkspaceNameLookupResponse(
                workspace_name=WORKSPACE_NAME, username=WORKSPACE_NAME
            ),
        }

    def subject(self, request: Any) -> tuple[str | None, str | None]:
        """Return the app and the function that a request is about, as far as it says so."""
        fields = request.DESCRIPTOR.fields_by_name
        if "object_tag" in fields:
            return request.app_name, request.object_tag
        if "function_id" in fields:
            return {**self._functions, **self.beside.ids()}.get(request.function_id, (None, None))
        if "app_id" in fields:
            return next((app.name for app in self.world.scenario.apps if app.app_id == request.app_id), None), None
        return (request.name, None) if request.DESCRIPTOR.name == "AppGetByDeploymentNameRequest" else (None, None)

    # The bill

    @cached_property
    def _bill(self) -> SeenBill:
        return seen_bill(self.world)

    def _workspace_billing_report(
        self, request: api_pb2.WorkspaceBillingReportRequest
    ) -> Iterator[api_pb2.WorkspaceBillingReportItem]:
        start, end = _instant(request.start_timestamp), _instant(request.end_timestamp)
        if end - start > _LONGEST_REPORT:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "A billing report can cover at most 31 days.")
        is_hourly = request.resolution == "h"
        step = HOUR if is_hourly else DAY
        start = start.replace(minute=0, second=0, microsecond=0) if is_hourly else _midnight(start)
        tags = {app.app_id: app.tags for app in self.world.scenario.apps}
        for begun, item in self._billed(start, end, step):
            asked = {
                key: value for key, value in tags.get(item.object_id, {}).items() if {key, "*"} & set(request.tag_names)
            }
            yield api_pb2.WorkspaceBillingReportItem(
                object_id=item.object_id,
                description=item.description,
                environment_name=self._environment(item.description),
                interval=_timestamp(to_us(begun)),
                cost=amount(item.cost),
                cost_by_resource={label: amount(cost) for label, cost in item.parts.items()},
                tags=asked,
            )

    def _billed(self, start: dt.datetime, end: dt.datetime, step: dt.timedelta) -> Iterator[tuple[dt.datetime, Item]]:
        """Return the items of all whole intervals of a range, with the start of each."""
        first, last = (bound - self.world.start for bound in (start, min(end, self.world.end)))
        for day in range(max(0, first // DAY), -(-last // DAY)):
            items = [self._as_restated(item) for item in self._bill.items(day, self.now)]
            for item in _by_interval([item for item in items if item is not None], step):
                begun = self.world.start + item.hour * HOUR
                if start <= begun and begun + step <= end:
                    yield begun, item

    def _as_restated(self, item: Item) -> Item | None:
        permille = self._restated.get((item.description, self.world.start + item.hour * HOUR), _PERMILLE)
        parts = {label: cost * permille // _PERMILLE for label, cost in item.parts.items()}
        return replace(item, cost=item.cost * permille // _PERMILLE, parts=parts) if permille else None

    def _workspace_billing_summary(
        self, request: api_pb2.WorkspaceBillingSummaryRequest
    ) -> api_pb2.WorkspaceBillingSummaryResponse:
        month = _instant(request.start_timestamp)
        summary = self._bill.summary(month.date(), self.now)
        return api_pb2.WorkspaceBillingSummaryResponse(
            start_timestamp=request.start_timestamp,
            end_timestamp=_timestamp(to_us((month + 32 * DAY).replace(day=1))),
            metered_cost=summary.metered_cost,
            billed_cost=summary.billed_cost,
            adjustments=summary.adjustments,
            metered_cost_breakdown=summary.metered_cost_breakdown,
        )

    def _workspace_billing_rates(self, _request: Any) -> api_pb2.WorkspaceBillingRatesResponse:
        rates = self.world.scenario.prices.on(self.now.date())
        return api_pb2.WorkspaceBillingRatesResponse(rates={name: str(rate) for name, rate in rates.items()})

    # Apps

    def _environment(self, name: str) -> str:
        return self._moved.get(name, self.world.scenario.environment)

    def _there(self) -> list[App]:
        return [
            app
            for app in self.world.scenario.apps
            if app.name not in self._deleted and known_deployments(self.world, app, self.now)
        ]

    def _there_in(self, environment: str) -> list[App]:
        """Return the apps of an environment; without a name, of the one that is the default."""
        asked = environment or self.world.scenario.environment
        return [app for app in self._there() if self._environment(app.name) == asked]

    def _app(self, app_id: str) -> App:
        for app in self._there():
            if app.app_id == app_id:
                return app
        raise GRPCError(Status.NOT_FOUND, f"No App with ID '{app_id}' found.")

    def _lifecycle(self, app: App) -> api_pb2.AppLifecycle:
        deployments = known_deployments(self.world, app, self.now)
        return api_pb2.AppLifecycle(
            app_state=self._state(app),
            created_at=deployed_at(deployments[0], self.world.start).timestamp(),
            deployed_at=deployed_at(deployments[-1], self.world.start).timestamp(),
            deployed_by=deployments[-1].deployed_by,
            version=deployments[-1].version,
            stopped_at=self._stopped_at(app),
        )

    def _state(self, app: App) -> "api_pb2.AppState.ValueType":
        return api_pb2.APP_STATE_STOPPED if app.name in self._stopped else api_pb2.APP_STATE_DEPLOYED

    def _stopped_at(self, app: App) -> float:
        return self._stopped[app.name].timestamp() if app.name in self._stopped else 0.0

    def _app_list(self, request: api_pb2.AppListRequest) -> api_pb2.AppListResponse:
        return api_pb2.AppListResponse(
            apps=[
                api_pb2.AppListResponse.AppListItem(
                    app_id=app.app_id,
                    description=app.name,
                    name=app.name,
                    state=self._state(app),
                    created_at=self._lifecycle(app).created_at,
                    stopped_at=self._stopped_at(app),
                    n_running_tasks=0
                    if app.name in self._stopped
                    else running_containers(self.world, app, to_us(self.now)),
                )
                for app in self._there_in(request.environment_name)
            ]
        )

    def _app_get_by_deployment_name(
        self, request: api_pb2.AppGetByDeploymentNameRequest
    ) -> api_pb2.AppGetByDeploymentNameResponse:
        response = api_pb2.AppGetByDeploymentNameResponse(environment_name=request.environment_name)
        for app in self._there_in(request.environment_name):
            if app.name == request.name:
                response.lifecycle.CopyFrom(self._lifecycle(app))
                if app.name in self._stopped:
                    response.previous_app_id = app.app_id
                else:
                    response.app_id = app.app_id
        return response

    def _app_get_or_create(self, request: api_pb2.AppGetOrCreateRequest) -> api_pb2.AppGetOrCreateResponse:
        for app in self._there_in(request.environment_name):
            if app.name == request.app_name and app.name not in self._stopped:
                return api_pb2.AppGetOrCreateResponse(app_id=app.app_id)
        raise GRPCError(Status.NOT_FOUND, f"No App with name '{request.app_name}' found.")

    def _app_get_lifecycle(self, request: api_pb2.AppGetLifecycleRequest) -> api_pb2.AppGetLifecycleResponse:
        return api_pb2.AppGetLifecycleResponse(lifecycle=self._lifecycle(self._app(request.app_id)))

    def _app_deployment_history(
        self, request: api_pb2.AppDeploymentHistoryRequest
    ) -> api_pb2.AppDeploymentHistoryResponse:
        app = self._app(request.app_id)
        return api_pb2.AppDeploymentHistoryResponse(
            app_deployment_histories=[
                api_pb2.AppDeploymentHistory(
                    app_id=app.app_id,
                    version=deployment.version,
                    client_version=CLIENT_VERSION,
                    deployed_at=deployed_at(deployment, self.world.start).timestamp(),
                    deployed_by=deployment.deployed_by,
                    commit_info=api_pb2.CommitInfo(
                        commit_hash=deployment.commit.rstrip("*"), dirty=deployment.commit.endswith("*")
                    ),
                )
                for deployment in reversed(known_deployments(self.world, app, self.now))
            ]
        )

    def _app_get_info(self, request: api_pb2.AppGetInfoRequest) -> api_pb2.AppGetInfoResponse:
        app = self._app(request.app_id)
        return api_pb2.AppGetInfoResponse(
            info=api_pb2.AppHandleMetadata(
                app_id=app.app_id,
                description=app.name,
                lifecycle=self._lifecycle(app),
                functions={name: _function_id(app.name, name) for name in self._configurations(app)},
                servers=self.beside.listed(app),
            )
        )

    def _app_get_time_range_stats(
        self, request: api_pb2.AppGetTimeRangeStatsRequest
    ) -> api_pb2.AppGetTimeRangeStatsResponse:
        app = self._app(request.app_id)
        bounds = request.since.ToMicroseconds(), request.until.ToMicroseconds()
        by_name: dict[str, Any] = {}
        for name in self._configurations(app):
            ended, (lived, _) = self._ended(app.name, name, bounds), self.observed.containers(app, name, *bounds)
            failed = ended.failure + ended.timeout
            by_name[name] = {
                "object_id": _function_id(app.name, name),
                "counts": {
                    "calls": {"total": ended.success + failed, "succeeded": ended.success, "failed": failed},
                    "containers": {"container_active_count": lived},
                },
            }
        return api_pb2.AppGetTimeRangeStatsResponse(
            since=request.since,
            until=request.until,
            functions=api_pb2.AppFunctionStatsGroup(by_name=by_name),
            lifecycle=self._lifecycle(app),
            **self.beside.app_counts(app, request),
        )

    def _task_list(self, request: api_pb2.TaskListRequest) -> api_pb2.TaskListResponse:
        apps = self._there_in(request.environment_name)
        return api_pb2.TaskListResponse(tasks=[task for app in apps for task in self.beside.running(app, self.now)])

    # Environments: the id has the name in it

    def _environment_get_or_create(
        self, request: api_pb2.EnvironmentGetOrCreateRequest
    ) -> api_pb2.EnvironmentGetOrCreateResponse:
        name = request.deployment_name or self.world.scenario.environment
        return api_pb2.EnvironmentGetOrCreateResponse(
            environment_id=f"en-{name}", metadata=api_pb2.EnvironmentMetadata(name=name)
        )

    def _environment_billing_summary(
        self, request: api_pb2.EnvironmentBillingSummaryRequest
    ) -> api_pb2.EnvironmentBillingSummaryResponse:
        month = _instant(request.start_timestamp)
        following = (month + 32 * DAY).replace(day=1)
        costs: dict[str, int] = {}
        for _, item in self._billed(month, following, DAY):
            if f"en-{self._environment(item.description)}" == request.environment_id:
                kind = "volumes" if item.object_id.startswith("vo-") else "compute"
                costs[kind] = costs.get(kind, 0) + item.cost
        return api_pb2.EnvironmentBillingSummaryResponse(
            start_timestamp=request.start_timestamp,
            end_timestamp=_timestamp(to_us(following)),
            metered_cost=amount(sum(costs.values())),
            metered_cost_breakdown={kind: amount(cost) for kind, cost in costs.items()},
        )

    # Servers

    def _server(self, function_id: str) -> tuple[App, str, SimulatedServer]:
        app_name, name = self.beside.ids().get(function_id, ("", ""))
        server = self.beside.server(app_name, name)
        for app in self._there():
            if app.name == app_name and server is not None:
                return app, name, server
        raise GRPCError(Status.NOT_FOUND, f"No Server with ID '{function_id}' found.")

    def _server_get_metrics(self, request: api_pb2.ServerGetMetricsRequest) -> api_pb2.ServerGetMetricsResponse:
        _, _, server = self._server(request.function_id)
        since, until, width, series = self.observed.answer_steady(server.containers, request, self.now)
        return api_pb2.ServerGetMetricsResponse(
            since={"seconds": since}, until={"seconds": until}, bucket_secs=width, series=series
        )

    def _server_get_time_range_stats(
        self, request: api_pb2.ServerGetTimeRangeStatsRequest
    ) -> api_pb2.ServerGetTimeRangeStatsResponse:
        return self.beside.server_counts(self._server(request.function_id)[2], request)

    # Functions

    def _function_list_variants(
        self, request: api_pb2.FunctionListVariantsRequest
    ) -> api_pb2.FunctionListVariantsResponse:
        app, name, _ = self._deployed(request.function_id)
        return self.beside.variant_list(app, name)

    @cached_property
    def _functions(self) -> Mapping[str, tuple[str, str]]:
        """By function id, the app and the function."""
        return {
            _function_id(app.name, name): (app.name, name)
            for app in self.world.scenario.apps
            for deployment in app.deployments
            for name in deployment.functions
        }

    def _configurations(self, app: App) -> dict[str, ContainerConfiguration]:
        """Return what the newest deployment of each function asks for."""
        return {
            name: deployed.configuration
            for deployment in known_deployments(self.world, app, self.now)
            for name, deployed in deployment.functions.items()
        }

    def _deployed(self, function_id: str) -> tuple[App, str, ContainerConfiguration]:
        app_name, name = self._functions.get(function_id, (None, ""))
        for app in self._there():
            configurations = self._configurations(app)
            if app.name == app_name and name in configurations:
                return app, name, configurations[name]
        raise GRPCError(Status.NOT_FOUND, f"No Function with ID '{function_id}' found.")

    def _function_get(self, request: api_pb2.FunctionGetRequest) -> api_pb2.FunctionGetResponse:
        function_id = _function_id(request.app_name, request.object_tag)
        if self.beside.server(request.app_name, request.object_tag) is not None:
            owner, name, server = self._server(server_id(request.app_name, request.object_tag))
            return api_pb2.FunctionGetResponse(
                function_id=function_id,
                handle_metadata=_handle_metadata(owner, name),
                function=server_data(name, server),
            )
        try:
            app, name, configuration = self._deployed(function_id)
        except GRPCError:
            app = None
        if app is None or app.name in self._stopped or app not in self._there_in(request.environment_name):
            lookup = f"'{request.app_name}/{request.object_tag}'"
            raise GRPCError(Status.NOT_FOUND, f"Lookup failed for Function {lookup}: not found in environment.")
        return api_pb2.FunctionGetResponse(
            function_id=function_id,
            handle_metadata=_handle_metadata(app, name),
            function=_function_data(name, configuration),
        )

    def _function_get_by_id(self, request: api_pb2.FunctionGetByIdRequest) -> api_pb2.FunctionGetByIdResponse:
        if request.function_id in self.beside.ids():
            app, name, server = self._server(request.function_id)
            return api_pb2.FunctionGetByIdResponse(
                handle_metadata=_handle_metadata(app, name), function=server_data(name, server)
            )
        app, name, configuration = self._deployed(request.function_id)
        return api_pb2.FunctionGetByIdResponse(
            handle_metadata=_handle_metadata(app, name), function=_function_data(name, configuration)
        )

    def _function_get_scheduling_params(
        self, request: api_pb2.FunctionGetSchedulingParamsRequest
    ) -> api_pb2.FunctionGetSchedulingParamsResponse:
        if request.function_id in self.beside.ids():
            kept = self._server(request.function_id)[2].containers
            settings, events = api_pb2.AutoscalerSettings(min_containers=kept, scaledown_window=60), {}
        else:
            app, name, configuration = self._deployed(request.function_id)
            kept = self.beside.overrides.get((app.name, name), configuration.min_containers)
            settings = api_pb2.AutoscalerSettings(
                min_containers=kept or None,
                max_containers=configuration.max_containers,
                scaledown_window=configuration.scaledown_window_seconds,
            )
            event = api_pb2.UserActionInfo(user_id="us-1", timestamp=self.now.timestamp(), requested_by="ops")
            events = {"min_containers": event} if (app.name, name) in self.beside.overrides else {}
        return api_pb2.FunctionGetSchedulingParamsResponse(
            autoscaler_configuration=api_pb2.AutoscalerConfiguration(settings=settings, override_events=events)
        )

    def _function_get_metrics(self, request: api_pb2.FunctionGetMetricsRequest) -> api_pb2.FunctionGetMetricsResponse:
        app, name, _ = self._deployed(request.function_id)
        since, until, width, series = self.observed.answer(app, name, request, self.now)
        return api_pb2.FunctionGetMetricsResponse(
            since={"seconds": since}, until={"seconds": until}, bucket_secs=width, series=series
        )

    def _function_get_time_range_stats(
        self, request: api_pb2.FunctionGetTimeRangeStatsRequest
    ) -> api_pb2.FunctionGetTimeRangeStatsResponse:
        app, name, _ = self._deployed(request.function_id)
        bounds = request.since.ToMicroseconds(), request.until.ToMicroseconds()
        ended = self._ended(app.name, name, bounds)
        lived, started = self.observed.containers(app, name, *bounds)
        return api_pb2.FunctionGetTimeRangeStatsResponse(
            since=request.since,
            until=request.until,
            input_success_count=ended.success,
            input_failure_count=ended.failure,
            input_timeout_count=ended.timeout,
            container_total_count=lived,
            container_started_count=started,
            variant_count=len(self.beside.variants.get((app.name, name), ())),
        )

    # Calls

    def _calls_in(self, function_id: str, since: Timestamp, until: Timestamp) -> tuple[CallHistory | None, int, int]:
        """Return a function's calls and the range that is still kept of the one asked for."""
        app, name, _ = self._deployed(function_id)
        history = self._history(app.name, name)
        if _instant(until) - _instant(since) > _LONGEST_CALL_RANGE:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "Calls can be fetched for at most 7 days at a time.")
        oldest = to_us(self.now - self.retention) if self.retention else 0
        return history, max(oldest, since.ToMicroseconds()), until.ToMicroseconds()

    def _ended(self, app: str, name: str, bounds: tuple[int, int]) -> Ended:
        history = self._history(app, name)
        return history.ended(*bounds) if history is not None else Ended()

    def _history(self, app: str, function: str) -> CallHistory | None:
        """Return the calls of a function, written when first asked for; None when it never had any."""
        for log in self.world.pools:
            if (log.app, log.function) == (app, function) and (app, function) not in self._calls:
                calls, scenario = self.world.calls[function], self.world.scenario
                written = write_call_log(
                    log,
                    calls,
                    seed=self.world.seed,
                    start_us=to_us(self.world.start),
                    log_delay_share=scenario.log_delay_share,
                )
                self._calls[app, function] = SimulatedCalls(written, calls.enqueued_us[log.call])
        return self._calls.get((app, function))

    def _function_call_count(self, request: api_pb2.FunctionCallCountRequest) -> api_pb2.FunctionCallCountResponse:
        history, since_us, until_us = self._calls_in(request.function_id, request.since, request.until)
        bucket_us = request.bucket_secs * 1_000_000
        first, last = since_us // bucket_us, -(-until_us // bucket_us)
        counts = np.zeros(max(0, last - first), dtype=np.int64)
        if history is not None and since_us < until_us:
            arrivals = history.arrivals(since_us, until_us, at_us=to_us(self.now))
            counts = np.bincount(arrivals // bucket_us - first, minlength=len(counts))
        if self.most_inputs is not None and counts.sum() > self.most_inputs:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, f"More than {self.most_inputs} inputs in the range.")
        return api_pb2.FunctionCallCountResponse(
            buckets=[
                api_pb2.FunctionCallCountResponse.InputBucket(
                    bucket_start_at=_timestamp((first + position) * bucket_us), count=count
                )
                for position, count in enumerate(counts.tolist())
            ]
        )

    def _function_call_fetch(self, request: api_pb2.FunctionCallFetchRequest) -> api_pb2.FunctionCallFetchResponse:
        asked = request.range
        history, since_us, until_us = self._calls_in(request.function_id, asked.since, asked.until)
        if history is None:
            return api_pb2.FunctionCallFetchResponse()
        inputs = history.inputs(since_us, until_us, at_us=to_us(self.now), limit=asked.limit)
        return api_pb2.FunctionCallFetchResponse(function_call_inputs=inputs)


def _instant(timestamp: Timestamp) -> dt.datetime:
    return from_us(timestamp.ToMicroseconds())


def _timestamp(microseconds: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromMicroseconds(microseconds)
    return timestamp


def _midnight(instant: dt.datetime) -> dt.datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _by_interval(items: list[Item], step: dt.timedelta) -> list[Item]:
    """Return the items of one day as they are, or their sums over the day."""
    if step == HOUR:
        return items
    days: dict[str, Item] = {}
    for item in items:
        day = days.setdefault(item.object_id, replace(item, hour=item.hour // 24 * 24, cost=0, parts={}))
        parts = {label: day.parts.get(label, 0) + cost for label, cost in item.parts.items()}
        days[item.object_id] = replace(day, cost=day.cost + item.cost, parts={**day.parts, **parts})
    return list(days.values())


def _function_id(app: str, function: str) -> str:
    return object_id("fu", f"{app}/{function}")


def _handle_metadata(app: App, name: str) -> api_pb2.FunctionHandleMetadata:
    return api_pb2.FunctionHandleMetadata(
        app_id=app.app_id, function_name=name, function_type=api_pb2.Function.FUNCTION_TYPE_FUNCTION
    )


def _function_data(name: str, configuration: ContainerConfiguration) -> api_pb2.FunctionData:
    gpu = api_pb2.GPUConfig(gpu_type=configuration.gpu_type or "", count=configuration.gpu_count)
    function = api_pb2.Function(
        function_name=name,
        resources=api_pb2.Resources(
            milli_cpu=configuration.cpu_millicores or 0,
            memory_mb=configuration.memory_mib or 0,
            gpu_config=gpu if configuration.gpu_type else None,
        ),
        scheduler_placement=api_pb2.SchedulerPlacement(
            regions=configuration.regions, nonpreemptible=configuration.nonpreemptible
        ),
        max_concurrent_inputs=configuration.concurrent_inputs if configuration.concurrent_inputs > 1 else 0,
    )
    return api_pb2.FunctionData(
        function_name=name,
        timeout_secs=configuration.timeout_seconds,
        ranked_functions=[api_pb2.FunctionData.RankedFunction(rank=0, function=function)],
    )
