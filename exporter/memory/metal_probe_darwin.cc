// Metal and IOKit without their headers: both frameworks live in the dyld cache and are reached by
// dlopen, so the same source links wherever libSystem does. Runs in the probe child only.
#include <dlfcn.h>
#include <mach/mach.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "common/json.h"
#include "exporter/memory/metal_probe.h"

namespace headroom::exporter {
namespace {

constexpr char kMetal[] = "/System/Library/Frameworks/Metal.framework/Metal";
constexpr char kGraphics[] = "/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics";
constexpr char kIoKit[] = "/System/Library/Frameworks/IOKit.framework/IOKit";
constexpr char kFoundation[] = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation";

template <class F>
F* Symbol(void* library, const char* name) {
  return library != nullptr ? reinterpret_cast<F*>(::dlsym(library, name)) : nullptr;
}

void* Open(const char* path) { return ::dlopen(path, RTLD_LAZY | RTLD_LOCAL); }

struct ObjC {
  void* library = Open("/usr/lib/libobjc.A.dylib");
  void (*send)() = Symbol<void()>(library, "objc_msgSend");
  void* (*selector)(const char*) = Symbol<void*(const char*)>(library, "sel_registerName");
  void* (*push)() = Symbol<void*()>(library, "objc_autoreleasePoolPush");
  void (*pop)(void*) = Symbol<void(void*)>(library, "objc_autoreleasePoolPop");

  bool ok() const { return send && selector && push && pop; }

  // objc_msgSend has to be called through the method's exact type: arm64 passes variadic arguments
  // in other places than named ones.
  template <class R, class... A>
  R Send(void* object, const char* name, A... arguments) const {
    using Method = R (*)(void*, void*, A...);
    return reinterpret_cast<Method>(send)(object, selector(name), arguments...);
  }
};

// The default device is nil in many non-interactive sessions (launchd, ssh); the list of all
// devices was not, whenever that happened. Returned with one reference.
void* FindDevice(const ObjC& objc, void* metal) {
  if (const auto create = Symbol<void*()>(metal, "MTLCreateSystemDefaultDevice")) {
    if (void* device = create()) return device;
  }
  const auto all = Symbol<void*()>(metal, "MTLCopyAllDevices");
  void* devices = all != nullptr ? all() : nullptr;
  if (devices == nullptr) return nullptr;
  void* first = nullptr;
  if (objc.Send<unsigned long>(devices, "count") > 0) {
    first = objc.Send<void*>(devices, "objectAtIndex:", 0ul);
    first = objc.Send<void*>(first, "retain");
  }
  objc.Send<void>(devices, "release");
  return first;
}

Json Describe(const ObjC& objc, void* device) {
  Json metal = Json::MakeObject();
  void* name = objc.Send<void*>(device, "name");
  const char* text = name != nullptr ? objc.Send<const char*>(name, "UTF8String") : nullptr;
  metal.Set("name", text != nullptr ? text : "");
  metal.Set("recommendedMaxWorkingSetSize",
            objc.Send<uint64_t>(device, "recommendedMaxWorkingSetSize"));
  metal.Set("maxBufferLength",
            static_cast<uint64_t>(objc.Send<unsigned long>(device, "maxBufferLength")));
  metal.Set("hasUnifiedMemory", objc.Send<bool>(device, "hasUnifiedMemory"));
  return metal;
}

void ProbeMetal(Json& out) {
  out.Set("metal", Json());
  const ObjC objc;
  Open(kGraphics);  // some sessions find no device before it is loaded
  void* metal = Open(kMetal);
  if (!objc.ok() || metal == nullptr) {
    out.Set("reason", "the Metal framework cannot be loaded");
    return;
  }
  void* pool = objc.push();
  if (void* device = FindDevice(objc, metal)) {
    out.Set("metal", Describe(objc, device));
    objc.Send<void>(device, "release");
  } else {
    out.Set("reason", "Metal has no device in this session");
  }
  objc.pop(pool);
}

// CoreFoundation and IOKit types, all opaque pointers or ports.
struct Registry {
  static constexpr uint32_t kUtf8 = 0x08000100;  // kCFStringEncodingUTF8
  static constexpr long kInt64 = 4;              // kCFNumberSInt64Type

  void* cf = Open(kFoundation);
  void* io = Open(kIoKit);
  const void* (*string)(const void*, const char*, uint32_t) =
      Symbol<const void*(const void*, const char*, uint32_t)>(cf, "CFStringCreateWithCString");
  const void* (*value)(const void*, const void*) =
      Symbol<const void*(const void*, const void*)>(cf, "CFDictionaryGetValue");
  unsigned char (*number)(const void*, long, void*) =
      Symbol<unsigned char(const void*, long, void*)>(cf, "CFNumberGetValue");
  unsigned long (*type)(const void*) = Symbol<unsigned long(const void*)>(cf, "CFGetTypeID");
  unsigned long (*number_type)() = Symbol<unsigned long()>(cf, "CFNumberGetTypeID");
  unsigned long (*dictionary_type)() = Symbol<unsigned long()>(cf, "CFDictionaryGetTypeID");
  void (*release)(const void*) = Symbol<void(const void*)>(cf, "CFRelease");
  void* (*matching)(const char*) = Symbol<void*(const char*)>(io, "IOServiceMatching");
  kern_return_t (*services)(mach_port_t, void*, mach_port_t*) =
      Symbol<kern_return_t(mach_port_t, void*, mach_port_t*)>(io, "IOServiceGetMatchingServices");
  mach_port_t (*next)(mach_port_t) = Symbol<mach_port_t(mach_port_t)>(io, "IOIteratorNext");
  const void* (*property)(mach_port_t, const void*, const void*, uint32_t) =
      Symbol<const void*(mach_port_t, const void*, const void*, uint32_t)>(
          io, "IORegistryEntryCreateCFProperty");
  kern_return_t (*drop)(mach_port_t) = Symbol<kern_return_t(mach_port_t)>(io, "IOObjectRelease");

  bool ok() const {
    return string && value && number && type && number_type && dictionary_type && release &&
           matching && services && next && property && drop;
  }
};

// The keys are undocumented: one that is missing or of another type is left out.
void CopyNumber(const Registry& os, const void* dictionary, const char* name, Json& out) {
  const void* key = os.string(nullptr, name, Registry::kUtf8);
  if (key == nullptr) return;
  const void* found = os.value(dictionary, key);
  int64_t number = 0;
  if (found != nullptr && os.type(found) == os.number_type() &&
      os.number(found, Registry::kInt64, &number) != 0) {
    out.Set(name, number);
  }
  os.release(key);
}

void ProbeDriver(Json& out) {
  const Registry os;
  if (!os.ok()) return;
  mach_port_t services = MACH_PORT_NULL;
  // The matching dictionary is consumed by the call.
  if (os.services(MACH_PORT_NULL, os.matching("IOAccelerator"), &services) != KERN_SUCCESS) return;
  const void* key = os.string(nullptr, "PerformanceStatistics", Registry::kUtf8);
  if (const mach_port_t service = os.next(services); service != MACH_PORT_NULL) {
    const void* statistics = os.property(service, key, nullptr, 0);
    if (statistics != nullptr && os.type(statistics) == os.dictionary_type()) {
      Json driver = Json::MakeObject();
      for (const char* name : {"In use system memory", "Alloc system memory", "recoveryCount"}) {
        CopyNumber(os, statistics, name, driver);
      }
      out.Set("driver", std::move(driver));
    }
    if (statistics != nullptr) os.release(statistics);
    os.drop(service);
  }
  os.release(key);
  os.drop(services);
}

}  // namespace

int RunMetalProbe() {
  Json out = Json::MakeObject();
  ProbeMetal(out);
  ProbeDriver(out);
  return std::puts(WriteJson(out).c_str()) < 0 ? 1 : 0;
}

}  // namespace headroom::exporter
