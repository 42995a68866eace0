"""Health and metrics, for the people who run the portal.

In reading order:

- liveness: whether a server answers at all
- health_routes: readiness
- user_health_routes: readiness of a user server
- machine_metrics: the newest readings of the machine and its GPUs
- metrics_routes: Prometheus metrics
"""
