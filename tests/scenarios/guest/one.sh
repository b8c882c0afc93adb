# one.sh NAME: runs one scenario. drive.sh calls it under a time limit.
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/$1.sh"
