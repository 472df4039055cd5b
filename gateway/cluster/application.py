"""The application builder: two deployments, and their options."""

# Without postponed annotations, as Ray Serve reads the type of the argument.

from typing import TYPE_CHECKING

from gateway.cluster.arguments import Arguments

if TYPE_CHECKING:
    from ray.serve import Application

INGRESS_REQUESTS = 10_000  # which take little; their bodies are limited by `limits.bodies_mb`
ROUTER = "gateway.cluster.routing.router:PrefixRouter"
REPORT_S = 2  # between two reports of what a replica holds
QUIET = {"enable_access_log": False}  # the gateway logs requests itself
WAIT_LOOP_S = 0.25  # between two looks at whether the running requests have finished


def app(arguments: Arguments) -> "Application":
    """Returns the application that `serve run gateway.cluster:app` runs; raises ConfigError.

    Its deployments are `ingress` and `gateway`. The options of either can be set in a Serve config
    file: https://docs.ray.io/en/latest/serve/production-guide/config.html
    """
    from ray import serve
    from ray.serve.config import AutoscalingConfig

    from gateway.cluster.capacity import capacity
    from gateway.cluster.ingress import Ingress
    from gateway.cluster.replica import Replica
    from gateway.config.load import load
    from gateway.formats.families import FAMILIES

    of_models = capacity(load(arguments.config, tuple(FAMILIES)))
    scaling = arguments.max_replicas and AutoscalingConfig(
        min_replicas=arguments.replicas,
        max_replicas=arguments.max_replicas,
        target_ongoing_requests=of_models.target_ongoing_requests,
    )
    gateway = serve.deployment(
        name="gateway",
        num_replicas=None if scaling else arguments.replicas,
        autoscaling_config=scaling or None,
        max_ongoing_requests=of_models.max_ongoing_requests,
        max_queued_requests=of_models.max_queued_requests,
        graceful_shutdown_timeout_s=of_models.graceful_shutdown_timeout_s,
        graceful_shutdown_wait_loop_s=WAIT_LOOP_S,
        request_router_config={
            "request_router_class": ROUTER,
            "request_routing_stats_period_s": REPORT_S,
        },
        logging_config=QUIET,
    )(Replica)
    ingress = serve.deployment(
        name="ingress",
        max_ongoing_requests=INGRESS_REQUESTS,
        graceful_shutdown_timeout_s=2 * of_models.graceful_shutdown_timeout_s,
        graceful_shutdown_wait_loop_s=WAIT_LOOP_S,
        ray_actor_options={"num_cpus": 0},
        logging_config=QUIET,
    )(serve.ingress()(Ingress))
    settings = arguments.settings
    return ingress.bind(gateway.bind(settings), settings)
