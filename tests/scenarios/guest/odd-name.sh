# Anybody may call a process anything of 15 bytes: here with a line end, an escape sequence and what is no UTF-8.
# shellcheck disable=SC2016  # the container's shell expands it
expect 137 run --name odd-name --memory=20m "$IMAGE" \
    sh -c 'printf "a\nb\033[31m\377c" >/proc/$$/comm; x=1; while :; do x=$x$x$x; done'
