# sh is PID 1, loses its child and goes on.
run -d --name child-kill-running --memory=20m -v "$DIR:/out" "$IMAGE" \
    sh -c "$HOG; touch /out/child-kill-running; exec $FOREVER"
wait_for test -e "$DIR/child-kill-running"
