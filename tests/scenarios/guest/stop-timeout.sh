# sleep as PID 1 has no handler for TERM: KILL follows.
run -d --name stop-timeout --memory=64m "$IMAGE" $FOREVER
podman stop -t 1 stop-timeout
