/** Whom scripts on an instance belong to. Wants `own_uid`; sets `user_name` and `user_home`. */
export const CHOOSE_USER = `# The line of /etc/passwd of a user's name or number.
passwd_line() {
  getent passwd "$1" || grep -E "^($1|[^:]*:[^:]*:$1):" /etc/passwd
}

# The normal user of the usual images, else the first that was added, else root. Whoever is not root stays who they are.
choose_user() {
  user_name=$(id -un)
  user_home=\${HOME:-$PWD}
  if [ "$own_uid" = 0 ]; then
    for candidate in ec2-user ubuntu admin 1000 root; do
      user_line=$(passwd_line "$candidate") && break
    done
    user_name=$(echo "$user_line" | head -n 1 | cut -d: -f1)
    user_home=$(echo "$user_line" | head -n 1 | cut -d: -f6)
  fi
}

`
