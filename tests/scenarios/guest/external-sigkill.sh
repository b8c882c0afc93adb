# Neither Podman nor the kernel did it.
run -d --name external-sigkill --memory=64m "$IMAGE" $FOREVER
kill -9 "$(podman inspect -f '{{.State.Pid}}' external-sigkill)"
