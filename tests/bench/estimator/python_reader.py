"""Time to read a GGUF header with Python's gguf package: python_reader.py FILE [rounds]."""
import resource
import sys
import time

from gguf import GGUFReader

path, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
times = []
for _ in range(rounds):
    start = time.perf_counter()
    GGUFReader(path)
    times.append((time.perf_counter() - start) * 1000)
times.sort()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"python gguf best_ms={times[0]:.3f} median_ms={times[len(times) // 2]:.3f} peak_mib={peak:.1f}")
