#!/usr/bin/env python3
"""Writes samples/soapui/dnis-gateway-soapui-project.xml from the WSDLs and the samples.

Run it after a WSDL or a sample has changed; `soapui_client.py` says when the file is out of date. Needs nothing beyond
the standard library. What is here is the test suite; the interfaces and the form of the file are in the modules beside.
"""

from soapui_format import CON, Element, assertion, con, contains, json_path, properties, sent, status, xpath
from soapui_interfaces import (
    AICC,
    AICC_METHODS,
    GMS,
    GMS_METHODS,
    INTERACT,
    INTERACT_METHODS,
    PROPERTIES,
    ROOT,
    SERVICES,
    SOAP_HEADERS,
    USER,
    bearer,
    project,
    rest_interface,
    rest_request,
    soap_endpoint,
    soap_interface,
)

TARGET = ROOT / "samples" / "soapui" / "dnis-gateway-soapui-project.xml"
# The key of another kind: the same fault as for a wrong key, but no guess, so that the suite can be run again and again
# without the limit on failed attempts.
WRONG = {**USER, "Application-Key": project("interactionKey")}
NO_NUMBER = "Currently there are no available phone numbers"
UNAUTHORIZED = "Request is unauthorized, missing or wrong credentials"


def case(name: str) -> str:
    """The reference to a property of the test case."""
    return f"${{#TestCase#{name}}}"


def answered() -> list[Element]:
    """An ordinary answer: an envelope, valid against the WSDL, and no fault."""
    return [
        assertion("SOAP Response", "is a SOAP response"),
        assertion("Schema Compliance", "complies with the schema of the WSDL"),
        assertion("SOAP Fault Assertion", "is no fault"),
        status("200"),
    ]


def result(service: str, content: str) -> Element:
    path = f"declare namespace t='{SERVICES[service]}'; //t:result"
    return xpath(path, content, "has the documented result")


def result_holds(service: str, condition: str, name: str) -> Element:
    """A condition in which `//t:result` is the result."""
    return xpath(f"declare namespace t='{SERVICES[service]}'; {condition}", "true", name)


def unauthorized() -> list[Element]:
    """The fault for wrong credentials. Its code, the vendor's own, is no QName, so no schema is asked about it."""
    return [
        assertion("Not SOAP Fault Assertion", "is a fault"),
        xpath("//faultstring", UNAUTHORIZED, "has the documented text"),
        contains("0x7000000", "has the documented code"),
        status("500"),
    ]


def envelope(service: str, operation: str, values: dict[str, str]) -> str:
    fields = "".join(f"      <s:{name}>{value}</s:{name}>\n" for name, value in values.items())
    return (
        f'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:s="{SERVICES[service]}">\n'
        f"  <soapenv:Header/>\n  <soapenv:Body>\n    <s:{operation}Request>\n{fields}    </s:{operation}Request>\n"
        "  </soapenv:Body>\n</soapenv:Envelope>"
    )


def soap_step(
    name: str,
    service: str,
    operation: str,
    values: dict[str, str],
    assertions: list[Element],
    headers: dict[str, str] | None = None,
) -> Element:
    headers = SOAP_HEADERS[operation] if headers is None else headers
    body = envelope(service, operation, values)
    config = con(
        "config",
        con("interface", text=f"{service.capitalize()}PortBinding"),
        con("operation", text=operation),
        con("request", *sent(headers, soap_endpoint(service), body, assertions), name=name),
        xsi_type="con:RequestStep",
    )
    return con("testStep", config, type="request", name=name)


def rest_step(name: str, service: str, method_name: str, assertions: list[Element], **changes) -> Element:
    [method] = [m for m in INTERACT_METHODS + GMS_METHODS + AICC_METHODS if (m.service, m.name) == (service, method_name)]
    config = con(
        "config",
        rest_request("restRequest", method, name, assertions, **changes),
        service=service,
        resourcePath=method.base + method.path,
        methodName=method.name,
        xsi_type="con:RestRequestStep",
    )
    return con("testStep", config, type="restrequest", name=name)


# The test suite. Every case begins by removing what an earlier run that was broken off may have left, and removes its
# own numbers at the end, so that it can be run again and again.


def test_case(name: str, values: dict[str, str], steps: list[Element]) -> Element:
    return con(
        "testCase",
        *steps,
        properties(values),
        name=name,
        failOnError="false",
        failTestCaseOnErrors="true",
        keepSession="false",
        maxResults="0",
        searchProperties="true",
    )


def remove_leftovers() -> list[Element]:
    phone = {"phone": case("number")}
    return [
        rest_step("free what an earlier run left", "Interact REST", "Free", [status("200,404")], values=phone),
        rest_step("delete what an earlier run left", "Interact REST", "Delete", [status("200,404")], values=phone),
    ]


def remove_number() -> list[Element]:
    return [rest_step("delete the number", "Interact REST", "Delete", [status("200")], values={"phone": case("number")})]


def soap_case(service: str, number: str) -> Element:
    phone, unique_id = {"phone": case("number")}, {"uniqueId": case("uniqueId"), "group": case("group")}
    new = {"phoneNumber": case("number"), "dnId": case("dnId"), "groupName": case("group"), "enabled": "true"}
    exists = f"Cannot create Phone '{case('number')}'. A phone with that name already exists"
    not_found = f"Phone number {case('number')} was not found"
    digits = result_holds(service, "matches(//t:result, '^[0-9]+$')", "is an id")
    nothing = result_holds(service, "count(//t:result[. = '']) = 1", "has an empty result")

    def step(name: str, operation: str, values: dict[str, str], *about_result: Element) -> Element:
        return soap_step(name, service, operation, values, [*answered(), *about_result])

    steps = [
        step("create the number", "CreatePhone", new, digits),
        step("create it again", "CreatePhone", new, result(service, exists)),
        step("get before it is lent", "GetDnisAllocation", phone, nothing),
        step("free before it is lent", "FreeDnisAllocation", phone, result(service, not_found)),
        step("allocate", "AllocateDnis", unique_id, result(service, case("number"))),
        step("allocate when none is left", "AllocateDnis", {**unique_id, "uniqueId": "another"},
             result(service, NO_NUMBER)),
        step("get", "GetDnisAllocation", phone, result(service, case("uniqueId"))),
        step("get by DNID", "GetDnisAllocation", {"phone": case("dnId")}, result(service, case("uniqueId"))),
        step("get what was answered to allocate", "GetDnisAllocation",
             {"phone": f"${{allocate#Response#declare namespace t='{SERVICES[service]}'; //t:result}}"},
             result(service, case("uniqueId"))),
        step("free", "FreeDnisAllocation", phone, result(service, "Success")),
        step("get after it was freed", "GetDnisAllocation", phone, nothing),
        step("get an unknown number", "GetDnisAllocation", {"phone": "999000"},
             result(service, "Phone number 999000 was not found")),
        soap_step("free with the key of another kind", service, "FreeDnisAllocation", phone, unauthorized(), WRONG),
        soap_step("get without a number", service, "GetDnisAllocation", {}, wrong_request()),
    ]  # fmt: skip
    values = {"number": number, "dnId": number[-5:], "group": f"soapui {service}", "uniqueId": f"Unique Id {service}"}
    return test_case(f"SOAP {service}", values, [*remove_leftovers(), *steps, *remove_number()])


def wrong_request() -> list[Element]:
    """The fault for a request that its schema does not allow."""
    return [
        assertion("Not SOAP Fault Assertion", "is a fault"),
        xpath("ends-with(string(//faultcode), ':Client')", "true", "says that the client has to change something"),
        contains("phone", "names the parameter"),
        status("500"),
    ]


def interact_case(number: str) -> Element:
    phone, unknown = {"phone": case("number")}, {"phone": "999000"}
    new = f'{{"phoneNumber":"{case("number")}","dnId":"{case("dnId")}","groupName":"{case("group")}","enabled":true}}'
    lend = f'{{"group":"{case("group")}","id":"{case("uniqueId")}"}}'

    def step(name: str, method: str, assertions: list[Element], **changes) -> Element:
        return rest_step(name, "Interact REST", method, assertions, **changes)

    steps = [
        step("create the number", "Create", [status("200"), contains("^[0-9]+$", "is an id", regular=True)], body=new),
        step("create it again", "Create", [status("409"), contains("already exists", "says why")], body=new),
        step("read it", "Read", [
            status("200"),
            json_path("$.groupName", case("group"), "is in its group"),
            json_path("$.allocated", "false", "is not lent"),
        ], values=phone),
        step("list its group", "List", [
            status("200"),
            json_path("$.total", "1", "has one number"),
            json_path("$.phones[0].phoneNumber", case("number"), "is the number"),
        ], values={"group": case("group"), "limit": "10"}),
        step("allocate", "Allocate", [status("200"), contains(case("number"), "is the number")], body=lend),
        step("allocate when none is left", "Allocate", [status("403"), contains(NO_NUMBER, "says why")],
             body=lend.replace(case("uniqueId"), "another")),
        step("get", "Get", [status("200"), contains(case("uniqueId"), "is the unique id")], values=phone),
        step("get by DNID", "Get", [status("200"), contains(case("uniqueId"), "is the unique id")],
             values={"phone": case("dnId")}),
        step("delete while it is lent", "Delete", [status("409"), contains("free it first", "says what to do")],
             values=phone),
        step("free", "Free", [status("200")], values=phone),
        step("get an unknown number", "Get",
             [status("404"), contains("Phone number 999000 was not found", "says so")], values=unknown),
        step("disable it", "Update", [status("200"), json_path("$.enabled", "false", "is disabled")],
             values=phone, body='{"enabled":false}'),
        step("allocate when none is enabled", "Allocate", [status("403"), contains(NO_NUMBER, "says why")], body=lend),
        step("free with the key of another kind", "Free", [
            status("401"),
            json_path("$.code", "0x7000000", "has the documented code"),
            json_path("$.message", UNAUTHORIZED, "has the documented text"),
        ], values=phone, headers=WRONG),
    ]  # fmt: skip
    values = {"number": number, "dnId": number[-5:], "group": "soapui rest", "uniqueId": "Unique Id REST"}
    return test_case("Interact REST", values, [*remove_leftovers(), *steps, *remove_number()])


def member(step: str, name: str) -> str:
    """The reference to a member of an earlier step's answer."""
    return f"${{{step}#Response#//*[local-name()='{name}']}}"


def gms_case() -> Element:
    def step(name: str, method: str, assertions: list[Element], **changes) -> Element:
        return rest_step(name, "GMS", method, assertions, **changes)

    def has(name: str, pattern: str, what: str) -> Element:
        return xpath(f"matches(//*[local-name()='{name}'], '{pattern}')", "true", what)

    def equals(name: str, content: str, what: str) -> Element:
        return xpath(f"//*[local-name()='{name}']", content, what)

    started, stored = "start an interaction", member("keep data", "id")
    steps = [
        step(started, "request-interaction", [
            status("200"),
            has("_access_number", "^650466413[0-9]$", "lends a number of the group DNIS"),
            has("_access_code", "^[0-9]+$", "gives a code"),
        ]),
        step("recognise the call", "match-interaction", [
            status("200"),
            equals("_id", member(started, "_id"), "is that interaction"),
        ], body=f"_access_number={member(started, '_access_number')}&_access_code={member(started, '_access_code')}"
                "&_phone_number=15550100"),
        step("lend a number to a running interaction", "request-access", [
            status("200"),
            equals("_id", project("interactionId"), "is that interaction"),
        ]),
        step("recognise its call", "match-interaction", [
            status("200"),
            equals("_id", project("interactionId"), "is that interaction"),
        ], body=f"_access_number={member('lend a number to a running interaction', '_access_number')}"),
        step("recognise it again", "match-interaction", [status("404")],
             body=f"_access_number={member('lend a number to a running interaction', '_access_number')}"),
        step("keep data", "create", [status("200")]),
        step("read them", "read", [status("200"), contains("Ann", "has the value")], values={"id": stored}),
        step("add to them", "merge", [status("200")], values={"id": stored, "ttl": "60"}),
        step("read a key", "read key", [status("200"), contains("fr", "has the value")],
             values={"id": stored, "key": "language"}),
        step("delete them", "delete", [status("200")], values={"id": stored}),
        step("read what is deleted", "read", [status("404")], values={"id": stored}),
    ]  # fmt: skip
    return test_case("GMS", {}, steps)


def json_member(step: str, name: str) -> str:
    """The reference to a member of an earlier step's JSON answer, which SoapUI offers as XML too."""
    return f"${{{step}#ResponseAsXml#//*[local-name()='{name}']}}"


def aicc_case() -> Element:
    token = "get a token"
    headers = bearer(json_member(token, "AccessToken"))
    route = (
        f'{{"accessCode":"{case("accessCode")}","extCode":"{case("extCode")}","devicetype":1,"deviceId":1,'
        '"mediaTypeId":19}'
    )
    ours = f'{{"accessCode":"{case("accessCode")}","extCode":"{case("extCode")}"}}'
    queue = (
        f'{{"mediaTypeId":53,"description":"made by SoapUI","name":"{case("skill")}","maxWaitTime":60,"maxWaitNum":100,'
        '"maxAgentWrapupTime":5,"skillParam":{"noAgents":{"transferType":"Release"},"busy":{"transferType":"Release"},'
        '"timeOut":{"transferType":"Release"}}}'
    )
    our_queue = f'{{"name":"{case("skill")}"}}'
    found, found_queue = "find it", "find the queue"

    def step(name: str, method: str, assertions: list[Element], **changes) -> Element:
        return rest_step(name, "AICC", method, assertions, **({"headers": headers} | changes))

    def done(*about: Element) -> list[Element]:
        return [status("200"), json_path("$.returnCode", "0", "is a success"), *about]

    def said(text: str) -> Element:
        return json_path("$.description", text, "has the documented text")

    def failed(code: str) -> list[Element]:
        return [status("500"), json_path("$.returnCode", code, "has the code that fits")]

    delete = f'{{"dnids":"{json_member(found, "dnid")}"}}'
    delete_queue = f'{{"skillIds":"{json_member(found_queue, "skillId")}"}}'
    steps = [
        rest_step(token, "AICC", "tokenByAkSk", [
            status("200"),
            json_path("$.ApplyType", "Bearer", "is for the header Authorization"),
            json_path("$.Expires", "600", "lasts as long as asked for"),
        ]),
        step("ask with the key of another application", "queryCalledRoute", [status("403")],
             headers={**headers, "X-APP-Key": "another-key"}),
        step("ask without a token", "queryCalledRoute", [status("403")], headers={}),
        step("list the access codes", "queryAccessCodeList",
             done(json_path("$.data.calledRouteList[0].accessCode", "5550100", "is the demo's"))),
        step("list the IVR flows", "queryIVRFlowList",
             [status("200"), json_path("$.retCode", "0", "is a success"),
              json_path("$.result[0].description", "main-menu", "is the demo's")]),
        step("create a route, unless an earlier run left it", "createCalledRoute", [status("200,500")], body=route),
        step(found, "queryCalledRoute", done(
            json_path("$.data.total", "1", "is the only one"),
            json_path("$.data.calledRouteList[0].mediatypeId", "19", "has the media type of its queue"),
        ), body=ours),
        step("create it again", "createCalledRoute", failed("120002"), body=route),
        step("send writers to an IVR flow", "createCalledRoute", failed("120005"),
             body='{"accessCode":"5550153","devicetype":3,"deviceId":12}'),
        step("create one without a destination", "createCalledRoute",
             [status("400"), contains("devicetype", "names the field")], body='{"accessCode":"5550153"}'),
        step("lead it to where it leads", "modifyCalledRoute", done(said("data update success")),
             body=f'{{"id":"{json_member(found, "id")}","devicetype":1,"deviceId":1}}'),
        step("delete it", "deleteCalledRoute", done(said("data delete success")), body=delete),
        step("delete it again", "deleteCalledRoute", failed("120003"), body=delete),
        step("create the route", "createCalledRoute", done(said("data create success")), body=route),
        step("find the new one", "queryCalledRoute", done(json_path("$.data.total", "1", "is the only one")), body=ours),
        step("delete the new one", "deleteCalledRoute", done(said("data delete success")),
             body=f'{{"dnids":"{json_member("find the new one", "dnid")}"}}'),
        step("make a queue, unless an earlier run left it", "createSkill", [status("200,500")], body=queue),
        step(found_queue, "querySkills", done(json_path("$.total", "1", "is the only one")), body=our_queue),
        step("change the queue", "modifySkill", done(said("data update success")),
             body=f'{{"skillId":{json_member(found_queue, "skillId")},"maxWaitTime":120}}'),
        step("delete the queue", "deleteSkill", done(said("Success")), body=delete_queue),
        step("delete the queue again", "deleteSkill", failed("120003"), body=delete_queue),
        step("find no queue", "querySkills", done(json_path("$.total", "0", "is gone")), body=our_queue),
    ]  # fmt: skip
    return test_case("AICC", {"accessCode": "9911411", "extCode": "771", "skill": "soapui"}, steps)


def gateway_case(number: str) -> Element:
    """The gateway's own operations. A route that an earlier run made stays, so making it may be refused."""
    service = "gateway"
    namespace = f"declare namespace t='{SERVICES[service]}'; "
    call = {"dialled": case("number"), "caller": "5551"}

    def step(name: str, operation: str, values: dict[str, str], *assertions: Element) -> Element:
        return soap_step(name, service, operation, values, [*answered(), *assertions])

    def says(element: str, content: str) -> Element:
        return xpath(f"{namespace}//t:{element}", content, f"has the {element}")

    def holder() -> Element:
        lent = f"${{lend#Response#{namespace}//t:interaction}}"
        return says("interaction", lent)

    refused = [
        assertion("Not SOAP Fault Assertion", "is a fault"),
        xpath(f"{namespace}//t:reason", "no_match", "names its reason"),
        status("500"),
    ]
    new = f'{{"phoneNumber":"{case("number")}","dnId":"{case("number")}","groupName":"{case("group")}","enabled":true}}'
    entry = "\n        <s:key>first_name</s:key>\n        <s:value>Ann</s:value>\n      "
    lend = {"group": case("group"), "seconds": "60", "caller": "5551", "entry": entry}
    route = {"accessCode": "5550100", "extension": "78", "kind": "skill", "id": "7"}
    destination = [says("accessCode", "5550100"), says("kind", "skill")]
    steps = [
        rest_step("create the number", "Interact REST", "Create", [status("200")], body=new),
        step("lend", "RequestAccess", lend, says("number", case("number"))),
        step("look whose call it is", "ResolveCall", call, holder(), says("value", "Ann"), says("taken", "false")),
        step("take the call", "ResolveCall", {**call, "take": "true"}, holder(), says("taken", "true")),
        soap_step("look again", service, "ResolveCall", call, refused),
        step("lend again", "RequestAccess", lend, says("number", case("number"))),
        step("match", "MatchInteraction", {"number": case("number")}, says("value", "Ann")),
        soap_step("match again", service, "MatchInteraction", {"number": case("number")}, refused),
        soap_step("make a route, unless an earlier run did", service, "CreateCalledRoute", route, [status("200,500")]),
        step("look where a call goes", "ResolveCall", {"dialled": "555010078"}, *destination),
    ]
    values = {"number": number, "group": "soapui gateway"}
    return test_case("SOAP gateway", values, [*remove_leftovers(), *steps, *remove_number()])


def whole_project() -> str:
    suite = con(
        "testSuite",
        con("runType", text="SEQUENTIAL"),
        soap_case("agent", "2117700001"),
        soap_case("dnis", "2117700002"),
        interact_case("2117700003"),
        gms_case(),
        aicc_case(),
        gateway_case("2117700004"),
        name="dnis-gateway demo",
    )
    root = con(
        "soapui-project",
        con("settings"),
        soap_interface("agent"),
        soap_interface("dnis"),
        rest_interface("Interact REST", INTERACT, INTERACT_METHODS),
        rest_interface("GMS", GMS, GMS_METHODS),
        rest_interface("AICC", AICC, AICC_METHODS),
        soap_interface("gateway"),
        suite,
        properties(PROPERTIES),
        **{"xmlns:con": CON, "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"},
        name="dnis-gateway",
        **{"soapui-version": "5.2.0"},
        activeEnvironment="Default",
        resourceRoot="",
        runType="SEQUENTIAL",
        abortOnError="false",
    )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(root.lines()) + "\n"


if __name__ == "__main__":
    TARGET.write_text(whole_project())
