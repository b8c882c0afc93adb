# As when a pod's limit takes conmon along, which in a rootless pod has no protection. Podman goes on saying "running".
run -d --name conmon-gone --memory=20m -v "$DIR:/out" "$IMAGE" \
    sh -c "until [ -e /out/conmon-gone ]; do sleep 0.3; done; exec $HOG"
pid=$(podman inspect -f '{{.State.Pid}}' conmon-gone)
kill -9 "$(podman inspect -f '{{.State.ConmonPid}}' conmon-gone)"
touch "$DIR/conmon-gone"
main_gone() { ! [ -e "/proc/$pid" ] || grep -q 'State:.*Z' "/proc/$pid/status"; }
wait_for main_gone
