# The kernel's first choice when the host runs out of memory.
run -d --name host-oom --oom-score-adj=1000 "$IMAGE" $FOREVER
