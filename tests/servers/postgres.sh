# A PostgreSQL with PostGIS that asks for a password and writes every statement into its log. Sourced.

as() { "$@"; }
if [[ $(id -u) -eq 0 ]]; then # PostgreSQL does not run as root
  as() { su postgres -s /bin/bash -c "$(printf '%q ' "$@")"; }
fi

# Starts one in a folder, anew or on what is there. Sets `bin` and `port`.
start_postgres() {
  local data=$1
  bin=$(dirname "$(find /usr/lib/postgresql /usr/local /opt/homebrew -path '*/bin/initdb' 2>/dev/null | sort | tail -n 1)")
  if [[ ! -d "$data/d" ]]; then
    node -e 's=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})' > "$data/port"
    echo -n lantern > "$data/password"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
      -addext "subjectAltName=IP:127.0.0.1,DNS:localhost" -keyout "$data/key.pem" -out "$data/certificate.pem" 2>/dev/null
    if [[ $(id -u) -eq 0 ]]; then chown -R postgres "$data"; chmod 711 "$data"; fi
    chmod 600 "$data/key.pem"
    as "$bin/initdb" -D "$data/d" -U postgres -A scram-sha-256 --pwfile="$data/password" >/dev/null
  fi
  port=$(cat "$data/port")
  as "$bin/pg_ctl" -D "$data/d" -w start -l "$data/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$data' -c fsync=off -c log_statement=all -c log_line_prefix='%a: ' \
        -c ssl=on -c ssl_cert_file='$data/certificate.pem' -c ssl_key_file='$data/key.pem'" >/dev/null \
    || { cat "$data/log" >&2; exit 1; }
  PGPASSWORD=lantern psql -qh 127.0.0.1 -p "$port" -U postgres -c 'CREATE EXTENSION IF NOT EXISTS postgis' >/dev/null 2>&1 \
    || { echo "PostGIS is not installed" >&2; exit 1; }
}

stop_postgres() {
  as "$bin/pg_ctl" -D "$1/d" -m immediate stop >/dev/null 2>&1 || true
}
