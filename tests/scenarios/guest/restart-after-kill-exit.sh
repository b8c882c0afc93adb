# Podman's flag stays true after a clean exit.
expect 137 run --name restart-after-kill-exit --memory=20m "$IMAGE" \
    sh -c "[ -e /flag ] && exit 0; touch /flag; exec $HOG"
podman start restart-after-kill-exit
