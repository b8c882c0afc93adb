# The restart policy mends it.
run -d --name restart-recovers --restart=on-failure:3 --memory=20m -v "$DIR:/out" "$IMAGE" \
    sh -c "[ -e /out/recovers ] && { touch /out/recovered; exec $FOREVER; }; touch /out/recovers; exec $HOG"
wait_for test -e "$DIR/recovered"
