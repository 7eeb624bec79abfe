//go:build tools

// Package controlplane pins the Kubernetes control plane that the end-to-end
// test runs against. Nothing imports it: the build tag keeps it out of every
// build, and the blank imports keep the commands in go.mod and go.sum.
package controlplane

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
