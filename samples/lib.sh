# What the sample scripts share; every script reads it first. It lends and makes what a script needs and was not given,
# and gives back what was lent, so that the scripts run in any order, again and again.
#
# From the environment:
#   BASE   address of the gateway, by default http://127.0.0.1:8080
#   KEEP   KEEP=1 leaves lent what a script lends, to look at it with another one; it is free again after its time
BASE=${BASE:-http://127.0.0.1:8080}
INTERACTION=1212-887ad635-22b1-49c5-ae7b-3b271bc10289
USER_HEADERS=../interact/headers-user.txt

# The first value that a name has in an answer, be it an element of XML or a member of JSON; nothing without one.
value() {
    printf '%s\n' "$2" | sed -n -e "s/.*<\(ns2:\)\{0,1\}$1>\([^<]*\)<.*/\2/p" -e "s/.*[{,] *\"$1\" *: *\"\{0,1\}\([^\",}]*\).*/\1/p" |
        head -n 1
}

# The value, which must be there: without it there is nothing to go on with.
need() {
    found=$(value "$1" "$2")
    if [ -z "$found" ]; then
        printf '%s: what this needs could not be made; the gateway answered:\n%s\n' "$0" "$2" >&2
        exit 1
    fi
    printf '%s' "$found"
}

# Gives a number back, unless KEEP says otherwise or there is none.
give_back() {
    [ -z "${1:-}" ] || [ "${KEEP:-}" = 1 ] ||
        curl -sS -o /dev/null -X POST "$BASE/interact/version/2/dnis/allocate/free/$1" -H "@$USER_HEADERS"
}

# Lends a number over GMS, by the parameters of a file; the answer.
lend_gms() {
    curl -sS -X POST "$BASE/genesys/1/service/$1" --data-binary "@$2"
}

# A token of the AICC application, and a call with it: path below the API's prefix, then the body.
aicc() {
    token=$(need AccessToken "$(curl -sS -X POST "$BASE/apigovernance/api/oauth/tokenByAkSk" \
        -H 'Content-Type: application/json' --data-binary @token.json)")
    curl -sS ${HEAD_TOO:+-i} -X POST "$BASE/apiaccess/rest/cc-management/v1/$1" -H 'Content-Type:application/json' \
        -H "Authorization:Bearer $token" -H 'X-APP-Key:demo-key-0001' --data-binary "$2"
}

# The same, showing the answer with its headers.
show_aicc() {
    HEAD_TOO=1
    aicc "$@"
    HEAD_TOO=
    echo
}

# The value that the route of create.json has in the list of routes; the route is made if it is not there.
route() {
    aicc calledRoute/createCalledRoute @create.json >/dev/null
    need "$1" "$(aicc calledRoute/queryCalledRoute @query.json)"
}

# Makes a skill queue under a name that none has; its id.
make_skill() {
    need skillId "$(aicc skill/createSkill "$(sed "s/\"night\"/\"night-$$-$(date +%s)\"/" create-skill.json)")"
}
