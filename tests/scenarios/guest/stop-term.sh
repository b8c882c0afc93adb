# The process obeys TERM.
run -d --name stop-term --memory=64m "$IMAGE" \
    sh -c "trap 'exit 143' TERM; $FOREVER & wait"
podman stop -t 15 stop-term
