# tail is PID 1 and holds 30 MB when the limit falls to 20 MiB.
cat >"$DIR/holds.sh" <<'EOF'
mkfifo /pipe
(head -c 30000000 /dev/zero; touch /out/limit-lowered; sleep 50000) >/pipe &
exec tail -c 30000000 </pipe
EOF
run -d --name limit-lowered --memory=80m -v "$DIR:/out" "$IMAGE" sh /out/holds.sh
wait_for test -e "$DIR/limit-lowered"
# podman returns 0 though it has just had the container killed
podman update --memory=20m --memory-swap=20m limit-lowered || true
