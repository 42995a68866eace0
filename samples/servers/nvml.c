/* A stand-in for NVIDIA's libnvidia-ml.so.1: two GPUs, the second of which tells neither utilization nor power, as under MIG.
   NVML_FAILS in the environment makes every question fail with that code, and NVML_WATTS sets the power of the first. */
#include <stdlib.h>
#include <string.h>

#define NOT_SUPPORTED 3

typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned int gpu, memory; } utilization_t;

static int fails(void) {
    const char *code = getenv("NVML_FAILS");
    return code ? atoi(code) : 0;
}

static unsigned long number(void *device) { return (unsigned long)device - 1; }

int nvmlInitWithFlags(unsigned int flags) { (void)flags; return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { (void)code; return "stand-in"; }

int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 2; return fails(); }

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    *device = (void *)(unsigned long)(index + 1);
    return fails();
}

int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    strncpy(name, number(device) ? "Partitioned GPU" : "Stand-in GPU", length);
    return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, memory_t *memory) {
    (void)device;
    memory->total = 80000000000ULL;
    memory->used = 60000000000ULL;
    memory->free = memory->total - memory->used;
    return 0;
}

int nvmlDeviceGetUtilizationRates(void *device, utilization_t *rates) {
    rates->gpu = 75;
    rates->memory = 20;
    return number(device) ? NOT_SUPPORTED : 0;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned int *milliwatts) {
    const char *watts = getenv("NVML_WATTS");
    *milliwatts = 1000u * (watts ? (unsigned int)atoi(watts) : 350u);
    return number(device) ? NOT_SUPPORTED : 0;
}

int nvmlDeviceGetTemperature(void *device, unsigned int sensor, unsigned int *celsius) {
    (void)device;
    (void)sensor;
    *celsius = 61;
    return 0;
}
