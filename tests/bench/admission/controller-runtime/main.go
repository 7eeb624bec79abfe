// A controller-runtime webhook that takes the same decision as headroom-webhook for the reviews of
// this benchmark, from the same nodes, Models and header, all in memory: only the footprint comes
// ready-made (BASE bytes and so many a token of context), which the real webhook computes each time.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Model is the part of the CRD that the decision reads, and what must be carried along.
type Model struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ModelSpec `json:"spec"`
}

// ModelSpec as charts/headroom/files/crds has it, as far as this benchmark goes.
type ModelSpec struct {
	Source       string            `json:"source"`
	Format       string            `json:"format,omitempty"`
	NodeName     string            `json:"nodeName,omitempty"`
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	Hardware     struct {
		Accelerator    string `json:"accelerator,omitempty"`
		MemoryBudget   string `json:"memoryBudget,omitempty"`
		MemoryFraction string `json:"memoryFraction,omitempty"`
	} `json:"hardware,omitempty"`
	Serving *Serving `json:"serving,omitempty"`
}

// Serving is how the Model is to be run.
type Serving struct {
	ContextSize    int64 `json:"contextSize,omitempty"`
	ParallelSlots  int64 `json:"parallelSlots,omitempty"`
	PromptCacheMiB int64 `json:"promptCacheMiB,omitempty"`
}

type node struct {
	budget int64
	metal  bool
}

type judge struct {
	base, perToken int64
	nodes          map[string]node
	models         map[string]Model // by namespace/name
	byNode         map[string][]string
}

func (j *judge) footprint(m *Model) int64 {
	if m.Spec.Serving == nil {
		return 0
	}
	return j.base + m.Spec.Serving.ContextSize*j.perToken +
		m.Spec.Serving.PromptCacheMiB<<20
}

func (j *judge) committed(name, except string) int64 {
	var sum int64
	for _, key := range j.byNode[name] {
		if key == except {
			continue
		}
		m := j.models[key]
		sum += j.footprint(&m)
	}
	return sum
}

func decode(raw []byte) (*Model, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	m := &Model{}
	return m, json.Unmarshal(raw, m)
}

func (j *judge) Handle(_ context.Context, req admission.Request) admission.Response {
	model, err := decode(req.Object.Raw)
	if err != nil || model == nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("object: %w", err))
	}
	old, err := decode(req.OldObject.Raw)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if model.DeletionTimestamp != nil || model.Spec.Hardware.Accelerator != "metal" {
		return admission.Allowed("")
	}
	need := j.footprint(model)
	if old != nil && req.Operation == admissionv1.Update && need <= j.footprint(old) &&
		model.Spec.NodeName == old.Spec.NodeName && model.Spec.Source == old.Spec.Source &&
		model.Spec.Hardware == old.Spec.Hardware {
		return admission.Allowed("")
	}
	key := req.Namespace + "/" + req.Name
	target, known := j.nodes[model.Spec.NodeName]
	if !known || !target.metal {
		return admission.Denied("HR-104 no target node")
	}
	free := target.budget - j.committed(model.Spec.NodeName, key)
	if need > free {
		return admission.Denied(fmt.Sprintf("[HR-101] Model %s needs %.1f GiB but node %s can give it %.1f GiB",
			key, float64(need)/(1<<30), model.Spec.NodeName, float64(free)/(1<<30)))
	}
	response := admission.Allowed("")
	response.AuditAnnotations = map[string]string{
		"decision": "allowed", "node": model.Spec.NodeName, "footprint-bytes": strconv.FormatInt(need, 10),
	}
	return response
}

func load(path string, into any) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, path+":", err)
		os.Exit(1)
	}
}

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	certs := flag.String("cert-dir", "", "folder with tls.crt and tls.key")
	nodes := flag.String("nodes", "", "List of Nodes, JSON")
	models := flag.String("models", "", "array of Models, JSON")
	base := flag.Int64("base", 0, "bytes of a footprint without context")
	perToken := flag.Int64("per-token", 0, "bytes a token of context adds")
	flag.Parse()
	log.SetLogger(zap.New())

	j := &judge{base: *base, perToken: *perToken, nodes: map[string]node{}, models: map[string]Model{},
		byNode: map[string][]string{}}
	var list corev1.NodeList
	load(*nodes, &list)
	for _, n := range list.Items {
		budget, _ := strconv.ParseInt(n.Annotations["headroom.dev/memory-budget"], 10, 64)
		j.nodes[n.Name] = node{budget: budget, metal: n.Annotations["headroom.dev/accelerator"] == "metal"}
	}
	var known []Model
	load(*models, &known)
	for _, m := range known {
		key := m.Namespace + "/" + m.Name
		j.models[key] = m
		j.byNode[m.Spec.NodeName] = append(j.byNode[m.Spec.NodeName], key)
	}

	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certs})
	server.Register("/validate", &admission.Webhook{Handler: j})
	if err := server.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
