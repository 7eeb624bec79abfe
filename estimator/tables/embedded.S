/* The table files as they are, in read-only memory: nothing is read of them until they are used.
   One statement a line: on Apple's arm64 a semicolon begins a comment. */
#ifdef __APPLE__
#define NAME(name) _##name
.section __TEXT,__const
#else
#define NAME(name) name
.section .rodata
#endif

.globl NAME(headroom_graphs_0_5_0)
.globl NAME(headroom_graphs_0_5_0_end)
NAME(headroom_graphs_0_5_0):
.incbin "0.5.0.graphs"
NAME(headroom_graphs_0_5_0_end):

.globl NAME(headroom_graphs_0_6_0)
.globl NAME(headroom_graphs_0_6_0_end)
NAME(headroom_graphs_0_6_0):
.incbin "0.6.0.graphs"
NAME(headroom_graphs_0_6_0_end):

#ifndef __APPLE__
.section .note.GNU-stack, "", %progbits
#endif
