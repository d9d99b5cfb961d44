/** How many bytes of the compressed output travel in the answer: base64 of them, line ends and frame stay below AWS's 24,000 characters. */
export const INLINE_OUTPUT_BYTES = 17_400
/** Standard input that is longer is laid into a file first: a pipe takes 64 KiB from a writer that nobody reads from. */
const PIPED_INPUT_BYTES = 48 * 1024

/**
 * What runs on the instance, as root, around the user's script: POSIX sh with coreutils, findutils and gzip. It is evaluated with these set:
 * `p` the payload (base64 of gzip: this text, the script, standard input), `i` request id, `n` instance id (empty: asks the machine),
 * `t` seconds, `m` most bytes of output, `s` `l` offset and length of the script, `o` `j` offset and length of the input, `I` URL and
 * `H` SHA-256 of an input that lies elsewhere, `U` URL for a long output.
 *
 * A request runs once: who creates the guard file (empty, so a full disk takes it) owns it. Everything else about it lies in a folder
 * that is preferably in memory, so that what saves and stops works on a full disk: `m` who runs it, since which boot; `o`, `e`, `z` the
 * output; `r` the result. A second delivery waits for `r`; if the first was killed or the machine restarted, it says so and runs nothing.
 *
 * The script runs as the machine's normal user with a clean environment; where there is nobody to become, as it is.
 * It stays in the process group of this one, because that is what AWS kills on a cancel. What it prints goes to files, so that
 * a process which it leaves behind holds no stream of ours.
 */
export const WRAPPER = `umask 077
trap : HUP INT TERM
v=$(id -u)
[ "$n" ]||n=\${AWS_SSM_INSTANCE_ID:-$(cat /var/lib/cloud/data/instance-id 2>/dev/null)}
g=$i-$n
M="/run/runctl /dev/shm/runctl-$v /var/lib/runctl/commands /tmp/runctl-$v"
say(){ echo "RUNCTL1 $*";}
body(){ [ "$2" = 0 ]||printf %s "$p"|base64 -d|gzip -dc 2>/dev/null|tail -c "+$1"|head -c "$2";}
sha(){ if command -v sha256sum >/dev/null;then sha256sum;else shasum -a 256;fi|cut -c1-64;}
len(){ echo $(($(wc -c <"$1")));}
mark(){ echo "$1" $(cat /proc/sys/kernel/random/boot_id) $(cut -d" " -f22 "/proc/$1/stat");} 2>/dev/null
mine(){ mkdir -p "$1"&&[ -O "$1" ]&&[ ! -h "$1" ];} 2>/dev/null
end(){ echo "$*" >"$w/r~"&&mv "$w/r~" "$w/r";}
net(){ if command -v curl >/dev/null;then printf 'url="%s"\\n' "$3"|curl -sSf --retry 2 --connect-timeout 9 -m 300 "$1" "$2" -K - >/dev/null
else python3 -c 'import sys,urllib.request as r
m,f,u=sys.argv[1:]
q=r.Request(u,open(f,"rb").read(),method="PUT") if m=="-T" else u
d=r.urlopen(q,timeout=99).read()
if m=="-o":open(f,"wb").write(d)' "$1" "$2" "$3";fi;}
show(){ f=-
if [ "$U" ]&&[ "$(len "$w/z")" -gt ${INLINE_OUTPUT_BYTES} ]&&net -T "$w/z" "$U";then f=put;fi
say "$w" $f "$(cat "$w/r")"
[ $f = put ]||head -c ${INLINE_OUTPUT_BYTES} "$w/z"|base64;} 2>&3
find_work(){ for b in $M;do if [ -O "$b/$g.d" ];then w=$b/$g.d;fi;done;}
w=/dev/null
claim(){ for b in /var/lib/runctl/commands $M;do if [ -O "$b/$g" ];then return 1;fi;done
for b in /var/lib/runctl/commands $M;do if mine "$b";then
(set -C;: >"$b/$g") 2>/dev/null&&return
if [ -O "$b/$g" ];then return 1;fi
fi;done
return 2;}
make_work(){ for k in 20480 512;do for b in $M;do
if mine "$b"&&[ "$(df -Pk "$b"|tail -n 1|tr -s " "|cut -d" " -f4)" -gt $k ]&&mkdir "$b/$g.d";then w=$b/$g.d;mark $$ >"$w/m";: >"$w/z";return;fi
done;done 2>/dev/null
return 1;}
wait_first(){ k=0;until find_work;[ -f "$w/r" ];do
if read -r a y <"$w/m"&&[ "$(mark "$a")" = "$a\${y:+ $y}" ]&&kill -0 "$a";then k=0;else k=$((k+1));fi 2>/dev/null
if [ $k -gt $([ -f "$w/m" ]&&echo 4||echo 40) ];then say - - interrupted;return 1;fi
sleep .25 2>/dev/null||sleep 1;done;}
watch(){ exec 3>&-
k=0;while sleep 1 </dev/null >/dev/null 2>&1;do k=$((k+1));y=
if [ $(($(len "$w/o")+$(len "$w/e"))) -gt "$m" ];then y=big;elif [ $k -ge "$t" ];then y=timeout;fi
if [ "$y" ];then rm -f "$w/o" "$w/e" "$w/i";end $y;say "$w" - $y;kill -9 0;fi;done;}
as_user(){ K='exec /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin HOME="$h" USER="$a" LOGNAME="$a" SHELL=/bin/sh LANG=C.UTF-8 TERM=dumb RUNCTL_INSTANCE_ID="$n" /bin/sh -c -- "$S"'
exec >>"$w/o" 2>>"$w/e" 3>&-
if [ "$v" != 0 ]||[ "$a" = root ];then export HOME="$h" RUNCTL_INSTANCE_ID="$n";exec /bin/sh -c -- "$S";fi
export h a n S
set -- /bin/sh -c "$K"
if command -v runuser >/dev/null;then exec runuser -u "$a" -- "$@"
elif command -v su >/dev/null;then exec su -s /bin/sh "$a" -c "$K"
else exec sudo -n -u "$a" h="$h" a="$a" n="$n" S="$S" "$@";fi;}
run_script(){ a=$(id -un);h=\${HOME:-$PWD}
if [ "$v" = 0 ];then for a in ec2-user ubuntu admin 1000 root;do y=$(getent passwd $a||grep -E "^($a|[^:]*:[^:]*:$a):" /etc/passwd)&&break;done 2>/dev/null
a=$(echo "$y"|head -n 1|cut -d: -f1);h=$(echo "$y"|head -n 1|cut -d: -f6);fi
S=$(body $s $l)
: >"$w/o";: >"$w/e"
chown "$a" "$w/o" "$w/e" 2>/dev/null
watch & d=$!
(umask 022;cd "$h"||cd /
if [ -f "$w/i" ];then exec <"$w/i";rm -f "$w/i";as_user;else body $o $j|as_user;fi)
x=$?
kill $d
a=$(len "$w/o");b=$(len "$w/e")
if [ $((a+b)) -gt "$m" ];then y=big;else
{ head -c $a "$w/o";head -c $b "$w/e";}|gzip -nc >"$w/z"&&y="done $x $a $b $(len "$w/z") $(gzip -dc "$w/z"|sha)"||y=nospace;fi
rm -f "$w/o" "$w/e"
end $y;}
tidy(){ for b in $M;do if [ -O "$b" ]&&[ -z "$(find "$b/.t" -mmin -60)" ];then : >"$b/.t"
find "$b" -name r -mmin +60|sed 's,/r$,,'|xargs rm -rf
find "$b" -mindepth 1 -maxdepth 1 -mtime +6 -exec rm -rf {} +
fi;done;} 2>/dev/null
main(){ claim
case $? in
0)c=$b/$g;if ! make_work;then rm -f "$c";say - - nospace;return;fi
if [ "$I" ]&&! { net -o "$w/i" "$I" 2>&3&&[ "$(sha <"$w/i")" = $H ];};then rm -f "$w/i";end noinput
else [ "$I" ]||[ $j -le ${PIPED_INPUT_BYTES} ]||body $o $j >"$w/i";run_script;fi;;
1)wait_first||return;;
*)say - - nospace;return;;esac
show;tidy;}
main 3>&2 2>/dev/null
exit 0
`
