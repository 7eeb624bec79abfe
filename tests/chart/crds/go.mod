// Where the tests take other projects' CustomResourceDefinitions from; scripts/get-crds unpacks them.
module headroom.dev/chart/crds

go 1.25

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/grafana/grafana-operator/v5 v5.18.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
