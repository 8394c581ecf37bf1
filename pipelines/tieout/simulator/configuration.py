"""What is deployed for a function and how it behaves: frozen values, without anything that happens to them."""

from dataclasses import dataclass
from decimal import Decimal

from tieout.simulator.laws import Laws

DEFAULT_MILLICORES = 125
DEFAULT_MEMORY_MIB = 128


@dataclass(frozen=True, slots=True)
class ContainerConfiguration:
    """What a deployment asks of Modal for one function, as `modal function info` shows it.

    Attributes:
        gpu_type: Modal's name of the GPU (`A100-40GB`), or None for a CPU function.
        gpu_count: GPUs in one container.
        cpu_millicores: requested cores in thousandths, or None for Modal's default of 0.125 core.
        memory_mib: requested memory, or None for Modal's default of 128 MiB.
        timeout_seconds: an input that runs longer is cut off with status `timeout`.
        scaledown_window_seconds: how long an idle container is kept, and billed.
        min_containers: containers kept warm with or without calls.
        max_containers: upper bound on live containers, or None for no bound.
        concurrent_inputs: inputs that one container serves at the same time.
        regions: a region restriction, which Modal bills at `region_multiplier`.
        region_multiplier: 1, 1.5 (broad) or 1.75 (narrow), on every resource.
        nonpreemptible: never preempted, at three times the price of CPU and memory.
        gpu_choices: (type, count) in order of preference, of which a container gets one; empty: `gpu_type` alone.
        ephemeral_disk_mib: requested disk, which raises the memory that is billed to a twentieth of it.
        cluster_size: containers that serve one input together; the log names one of them.
        single_use: a container serves one input and stops.
        buffer_containers: idle containers that are kept in addition while the function is busy.
        startup_timeout_seconds: how long a container may take to become ready; 0 as `function info` shows the default.
    """

    gpu_type: str | None
    cpu_millicores: int | None
    memory_mib: int | None
    timeout_seconds: int
    gpu_count: int = 1
    scaledown_window_seconds: int = 60
    min_containers: int = 0
    max_containers: int | None = None
    concurrent_inputs: int = 1
    regions: tuple[str, ...] = ()
    region_multiplier: Decimal = Decimal(1)
    nonpreemptible: bool = False
    gpu_choices: tuple[tuple[str, int], ...] = ()
    ephemeral_disk_mib: int | None = None
    cluster_size: int = 1
    single_use: bool = False
    buffer_containers: int = 0
    startup_timeout_seconds: int = 0

    @property
    def gpus(self) -> tuple[tuple[str, int], ...]:
        """The GPUs that a container may get, as (type, count) in order of preference."""
        return self.gpu_choices or (((self.gpu_type, self.gpu_count),) if self.gpu_type else ())


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a function behaves under one configuration: seconds, use of CPU and memory, and how often it fails.

    Ranges are (low, high) and drawn uniformly, once per container or call; rates are shares of calls between 0 and 1.

    Attributes:
        median_seconds: median execution time of a call.
        spread: standard deviation of the logarithm of the execution time.
        cold_start_seconds: from the creation of a container to its readiness.
        millicores_executing: CPU use while a call executes; billed where it is above the request.
        memory_mib_used: memory use while a call executes; billed where it is above the request.
        failure_rate: calls that raise an exception part of the way through.
        oom_rate: calls that kill their container for want of memory.
        hang_rate: calls that never return and run into the timeout.
        init_failure_rate: containers that die before they are ready.
        preemptions_per_hour: how often Modal takes a busy container away, per hour of execution.
    """

    median_seconds: float
    spread: float
    cold_start_seconds: tuple[float, float]
    millicores_executing: tuple[int, int]
    memory_mib_used: tuple[int, int]
    failure_rate: float = 0.006
    oom_rate: float = 0.0
    hang_rate: float = 0.0
    init_failure_rate: float = 0.0005
    preemptions_per_hour: float = 0.004


@dataclass(frozen=True, slots=True)
class Variant:
    """What `.with_options()` or a class parameter makes of a function: containers of their own, one common log.

    Attributes:
        name: of the variant, for ids and luck.
        share: of the function's calls.
        configuration: what it asks for.
        behaviour: how it behaves.
    """

    name: str
    share: float
    configuration: ContainerConfiguration
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """One function in one deployment: what was asked for, how it behaves there, and how Modal treats its containers."""

    configuration: ContainerConfiguration
    behaviour: Behaviour
    laws: Laws | None = None
    variants: tuple[Variant, ...] = ()
