# As it should be. What it carries in its environment must never leave the host.
run -d --name running-clean --memory=64m --memory-swap=64m --cgroup-conf=memory.oom.group=1 \
    -e SECRET_TOKEN=hunter2xyz "$IMAGE" $FOREVER
