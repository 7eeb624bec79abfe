// A Metal device without Metal: what llama.cpp's ggml-metal C++ sources need from their Objective-C
// half, for accounting only. Sizes, fusion and graph order are computed by the real sources; nothing
// is ever run. ggml_metal_device_supports_op() is cut out of ggml-metal-device.m by `build`.
#define _GNU_SOURCE
#include "ggml.h"
#include "ggml-impl.h"
#include "ggml-metal-common.h"
#include "ggml-metal-context.h"
#include "ggml-metal-device.h"
#include "ggml-metal-impl.h"
#include "ggml-metal-ops.h"
#ifdef HAVE_FUSION
#include "ggml-metal-fusion.h"
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ggml_metal_device { struct ggml_metal_device_props props; struct ggml_metal_fusion_info * finfo; };
struct ggml_metal { ggml_metal_device_t device; };
struct ggml_metal_buffer { void * base; size_t size; bool shared, owned; };

// A recent Apple GPU with more memory than any model asks for.
#ifdef HAVE_PHYSICAL_INDEX
ggml_metal_device_t ggml_metal_device_init(int device, int n_devices) {
    (void) n_devices;
#else
ggml_metal_device_t ggml_metal_device_init(int device) {
#endif
    struct ggml_metal_device * d = calloc(1, sizeof(*d));
    struct ggml_metal_device_props * p = &d->props;
    p->device = device;
    snprintf(p->name, sizeof(p->name), "MTL%d", device);
    snprintf(p->desc, sizeof(p->desc), "simulated");
    p->max_working_set_size = p->max_buffer_size = (size_t) 1536 << 30;
    p->max_theadgroup_memory_size = 32768;
    p->has_simdgroup_reduction = p->has_simdgroup_mm = p->has_unified_memory = p->has_bfloat = true;
    p->use_shared_buffers = true;
    p->op_offload_min_batch_size = 32;
#ifdef HAVE_APPLE7
    p->supports_gpu_family_apple7 = true;
#endif
#ifdef HAVE_FAMILY
    p->gpu_family = 9;
#endif
#ifdef HAVE_FUSION
    d->finfo = ggml_metal_fusion_info_init(true, 0);
#endif
    return d;
}
void ggml_metal_device_free(ggml_metal_device_t d) { free(d); }
const struct ggml_metal_device_props * ggml_metal_device_get_props(ggml_metal_device_t d) { return &d->props; }
struct ggml_metal_fusion_info * ggml_metal_device_get_fusion_info(ggml_metal_device_t d) { return d->finfo; }
void ggml_metal_device_get_memory(ggml_metal_device_t d, size_t * free_, size_t * total) {
    *free_ = *total = d->props.max_working_set_size;
}
ggml_metal_event_t ggml_metal_device_event_init(ggml_metal_device_t d) { (void) d; return malloc(1); }
void ggml_metal_device_event_free(ggml_metal_device_t d, ggml_metal_event_t e) { (void) d; free(e); }
void ggml_metal_device_event_synchronize(ggml_metal_device_t d, ggml_metal_event_t e) { (void) d; (void) e; }

ggml_metal_t ggml_metal_init(ggml_metal_device_t d) { ggml_metal_t c = calloc(1, sizeof(*c)); c->device = d; return c; }
void ggml_metal_free(ggml_metal_t c) { free(c); }
const char * ggml_metal_get_name(ggml_metal_t c) { return c->device->props.name; }
void ggml_metal_synchronize(ggml_metal_t c) { (void) c; }
void ggml_metal_set_n_cb(ggml_metal_t c, int n) { (void) c; (void) n; }
void ggml_metal_graph_optimize(ggml_metal_t c, struct ggml_cgraph * g) { (void) c; ggml_graph_optimize(g); }
enum ggml_status ggml_metal_graph_compute(ggml_metal_t c, struct ggml_cgraph * g) { (void) c; (void) g; return GGML_STATUS_FAILED; }
void ggml_metal_set_tensor_async(ggml_metal_t c, struct ggml_tensor * t, const void * p, size_t o, size_t n) { (void) c; (void) t; (void) p; (void) o; (void) n; }
void ggml_metal_get_tensor_async(ggml_metal_t c, const struct ggml_tensor * t, void * p, size_t o, size_t n) { (void) c; (void) t; (void) o; memset(p, 0, n); }
void ggml_metal_event_record(ggml_metal_t c, ggml_metal_event_t e) { (void) c; (void) e; }
void ggml_metal_event_wait(ggml_metal_t c, ggml_metal_event_t e) { (void) c; (void) e; }

static ggml_metal_buffer_t buffer_of(void * base, size_t size, bool shared, bool owned) {
    ggml_metal_buffer_t b = calloc(1, sizeof(*b));
    *b = (struct ggml_metal_buffer) { base, size, shared, owned };
    return b;
}
ggml_metal_buffer_t ggml_metal_buffer_init(ggml_metal_device_t d, size_t size, bool shared) {
    (void) d;
    void * base = mmap(NULL, size ? size : 1, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : buffer_of(base, size ? size : 1, shared, true);
}
ggml_metal_buffer_t ggml_metal_buffer_map(ggml_metal_device_t d, void * p, size_t size, size_t most) { (void) d; (void) most; return buffer_of(p, size, true, false); }
void ggml_metal_buffer_free(ggml_metal_buffer_t b) { if (b->owned) munmap(b->base, b->size); free(b); }
void * ggml_metal_buffer_get_base(ggml_metal_buffer_t b) { return b->base; }
bool ggml_metal_buffer_is_shared(ggml_metal_buffer_t b) { return b->shared; }
void ggml_metal_buffer_memset_tensor(ggml_metal_buffer_t b, struct ggml_tensor * t, uint8_t v, size_t o, size_t n) { (void) b; (void) t; (void) v; (void) o; (void) n; }
void ggml_metal_buffer_set_tensor(ggml_metal_buffer_t b, struct ggml_tensor * t, const void * p, size_t o, size_t n) { (void) b; (void) t; (void) p; (void) o; (void) n; }
void ggml_metal_buffer_get_tensor(ggml_metal_buffer_t b, const struct ggml_tensor * t, void * p, size_t o, size_t n) { (void) b; (void) t; (void) o; memset(p, 0, n); }
bool ggml_metal_buffer_cpy_tensor(ggml_metal_buffer_t b, const struct ggml_tensor * from, struct ggml_tensor * to) { (void) b; (void) from; (void) to; return true; }
void ggml_metal_buffer_clear(ggml_metal_buffer_t b, uint8_t v) { (void) b; (void) v; }

#include "supports_op.inc"
