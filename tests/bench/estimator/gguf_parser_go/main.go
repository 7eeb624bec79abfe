// Time to read a GGUF header with gguf-parser-go: gguf_parser_go FILE [rounds].
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"
	"time"

	parser "github.com/gpustack/gguf-parser-go"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gguf_parser_go FILE [rounds]")
		os.Exit(2)
	}
	rounds := 30
	if len(os.Args) > 2 {
		rounds, _ = strconv.Atoi(os.Args[2])
	}
	var times []float64
	for i := 0; i < rounds; i++ {
		start := time.Now()
		if _, err := parser.ParseGGUFFile(os.Args[1], parser.UseMMap()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		times = append(times, float64(time.Since(start).Microseconds())/1000)
	}
	sort.Float64s(times)
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("gguf-parser-go best_ms=%.3f median_ms=%.3f peak_mib=%.1f\n",
		times[0], times[len(times)/2], float64(usage.Maxrss)/1024)
}
