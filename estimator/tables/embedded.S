/* The table files as they are, in read-only memory: nothing is read of them until they are used. */
#ifdef __APPLE__
#define NAME(name) _##name
.section __TEXT,__const
#else
#define NAME(name) name
.section .rodata
#endif

#define TABLE(name, file) \
  .globl NAME(name);      \
  NAME(name):             \
  .incbin file;           \
  .globl NAME(name##_end);\
  NAME(name##_end):

TABLE(headroom_graphs_0_5_0, "0.5.0.graphs")
TABLE(headroom_graphs_0_6_0, "0.6.0.graphs")

#ifndef __APPLE__
.section .note.GNU-stack, "", %progbits
#endif
