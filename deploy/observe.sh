#!/bin/sh
# Starts Prometheus and Grafana with docker; without it, prints the commands that start them.
set -eu
cd "$(dirname "$0")"
if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
  echo "Grafana: http://127.0.0.1:3000   Prometheus: http://127.0.0.1:9090   stop: Ctrl-C"
  echo "A run is seen while it runs with its metrics on: make generate METRICS_PORT=9464"
  exec docker compose -f compose.yaml up prometheus grafana
fi
cat <<END
There is no docker that answers. Install Prometheus (such as: apt-get install prometheus) and Grafana, then run each in
a terminal of its own:

  prometheus --config.file=$PWD/prometheus.yml --web.listen-address=127.0.0.1:9090 \\
    --storage.tsdb.path=\${TMPDIR:-/tmp}/tradelogs-prometheus

  DASHBOARDS=$PWD/grafana/dashboards GF_PATHS_PROVISIONING=$PWD/grafana/provisioning \\
    GF_SERVER_HTTP_ADDR=127.0.0.1 GF_AUTH_ANONYMOUS_ENABLED=true GF_ANALYTICS_REPORTING_ENABLED=false \\
    GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION=true \\
    GF_PATHS_DATA=\${TMPDIR:-/tmp}/tradelogs-grafana grafana server --homepath /usr/share/grafana

  make generate METRICS_PORT=9464

Grafana: http://127.0.0.1:3000/d/tradelogs   Prometheus: http://127.0.0.1:9090
END
