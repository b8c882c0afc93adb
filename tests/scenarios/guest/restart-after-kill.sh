# Podman's flag stays true from the first run on.
expect 137 run --name restart-after-kill --memory=20m "$IMAGE" \
    sh -c "[ -e /flag ] && exec $FOREVER; touch /flag; exec $HOG"
podman start restart-after-kill
