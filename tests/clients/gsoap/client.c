/*
 * Drives a running demo gateway with the gSOAP client generated from one of the served WSDLs, reading strictly
 * (SOAP_XML_STRICT: an element missing, too many or out of order is an error).
 *
 * The generator names things after the first namespace of the WSDL (ns1), so this one source serves both WSDLs; the
 * generated namespace table is included by the name that run gives it. usage: client NAME PHONE. Calls go to the
 * address of the WSDL. FAULT_CODE is the code that wrong credentials are expected to have, the vendor's unless set. Prints
 * one line per check, exits 1 when one failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soapH.h"
#include "namespaces.nsmap"

#define TENANT "Tenant-Id: 12345678\r\n"
#define DNIS_KEY "Application-Key: 53475e5f1463f9ab2052ead"

static const char CHANNEL[] = TENANT "Application-Key: 53736e07e4b05772e6475c2d";
static const char IVR[] = TENANT DNIS_KEY;
static const char WRONG_KEY[] = TENANT "Application-Key: wrong";
static const char ADMINISTRATOR[] = TENANT DNIS_KEY "\r\nUser-Id: YWRtaW4=\r\nUser-Password: cGFzc3dvcmQ=";

/* gSOAP's notation of the code 0x7000000: a name in no namespace. */
static const char VENDOR_CODE[] = "\"\":0x7000000";
static const char FAULT_TEXT[] = "Request is unauthorized, missing or wrong credentials";

static struct soap *context;
static const char *service;
static int passed, failed;

static void check(int holds, const char *what, const char *why_not)
{
    if (holds)
        passed++;
    else
        failed++;
    printf(holds ? "ok - %s: %s\n" : "not ok - %s: %s: %s\n", service, what, why_not);
}

/* What a call ended in: the result, or why there is none, in text that a check can show. */
static const char *outcome(int status, const char *result)
{
    static char text[1000];
    if (status == SOAP_OK && result != NULL)
        snprintf(text, sizeof text, "%s", result);
    else
        soap_sprint_fault(context, text, sizeof text);
    soap_destroy(context);
    soap_end(context);
    return text;
}

/* Before every call, since the context forgets the headers when the request is out. */
static void as(const char *headers)
{
    context->http_extra_header = headers;
}

static const char *create(const char *phone, const char *dnid, const char *group)
{
    enum xsd__boolean enabled = xsd__boolean__true_;
    struct _ns1__CreatePhoneRequest request;
    struct _ns1__CreatePhoneResponse answer = {0};
    soap_default__ns1__CreatePhoneRequest(context, &request);
    request.phoneNumber = (char *)phone;
    request.dnId = (char *)dnid;
    request.groupName = (char *)group;
    request.enabled = &enabled;
    as(ADMINISTRATOR);
    int status = soap_call___ns1__CreatePhone(context, NULL, NULL, &request, &answer);
    return outcome(status, answer.result);
}

static const char *allocate(const char *headers, const char *unique_id, const char *group)
{
    struct _ns1__AllocateDnisRequest request;
    struct _ns1__AllocateDnisResponse answer = {0};
    soap_default__ns1__AllocateDnisRequest(context, &request);
    request.uniqueId = (char *)unique_id;
    request.group = (char *)group;
    as(headers);
    int status = soap_call___ns1__AllocateDnis(context, NULL, NULL, &request, &answer);
    return outcome(status, answer.result);
}

static const char *get(const char *headers, const char *phone)
{
    struct _ns1__GetDnisAllocationRequest request;
    struct _ns1__GetDnisAllocationResponse answer = {0};
    soap_default__ns1__GetDnisAllocationRequest(context, &request);
    request.phone = (char *)phone;
    as(headers);
    int status = soap_call___ns1__GetDnisAllocation(context, NULL, NULL, &request, &answer);
    return outcome(status, answer.result);
}

static const char *release(const char *headers, const char *phone)
{
    struct _ns1__FreeDnisAllocationRequest request;
    struct _ns1__FreeDnisAllocationResponse answer = {0};
    soap_default__ns1__FreeDnisAllocationRequest(context, &request);
    request.phone = (char *)phone;
    as(headers);
    int status = soap_call___ns1__FreeDnisAllocation(context, NULL, NULL, &request, &answer);
    return outcome(status, answer.result);
}

static void equal(const char *found, const char *expected, const char *what)
{
    char why_not[2200];
    snprintf(why_not, sizeof why_not, "expected '%s', found '%s'", expected, found);
    check(strcmp(found, expected) == 0, what, why_not);
}

static const char *not_found(const char *phone)
{
    static char text[100];
    snprintf(text, sizeof text, "Phone number %s was not found", phone);
    return text;
}

/* A number's life: created, refused twice, lent, seen, given back. */
static void lending(const char *phone)
{
    const char *dnid = phone + 5, *id;
    char group[40], unique_id[60], again[80], exists[100];
    snprintf(group, sizeof group, "gsoap %s", service);
    snprintf(unique_id, sizeof unique_id, "Unique Id %s <1> & 2", service);
    snprintf(again, sizeof again, "%s again", unique_id);
    snprintf(exists, sizeof exists, "Cannot create Phone '%s'. A phone with that name already exists", phone);

    id = create(phone, dnid, group);
    check(*id != '\0' && strspn(id, "0123456789") == strlen(id), "CreatePhone answers a numeric id", id);
    equal(create(phone, dnid, group), exists, "CreatePhone of a number that exists answers the documented text");
    equal(get(IVR, phone), "", "GetDnisAllocation of a number that is not lent is empty");
    equal(release(ADMINISTRATOR, phone), not_found(phone), "FreeDnisAllocation of a number that is not lent says so");
    equal(allocate(CHANNEL, unique_id, group), phone, "AllocateDnis lends the group's number");
    equal(allocate(CHANNEL, again, group), "Currently there are no available phone numbers",
          "AllocateDnis from an exhausted group says so");
    equal(get(IVR, phone), unique_id, "GetDnisAllocation answers the unique id by full number");
    equal(get(IVR, dnid), unique_id, "GetDnisAllocation answers the unique id by DNID");
    equal(release(ADMINISTRATOR, phone), "Success", "FreeDnisAllocation answers Success");
    equal(get(IVR, phone), "", "after FreeDnisAllocation nothing is allocated");
}

/* The fault as the program sees it in its context, right after the call and before the next one. */
static void fault(int status, const char *what)
{
    /* A fault with a code that gSOAP knows has a status of its own: SOAP_CLI_FAULT for Client. */
    int is_fault = status == SOAP_FAULT || status == SOAP_CLI_FAULT;
    const char *code = is_fault ? *soap_faultcode(context) : NULL;
    const char *text = is_fault ? *soap_faultstring(context) : NULL;
    const char *wanted = getenv("FAULT_CODE");
    char found[1000], expected[200];
    if (is_fault)
        snprintf(found, sizeof found, "%s %s", code ? code : "(no code)", text ? text : "(no text)");
    else
        snprintf(found, sizeof found, "status %d", status);
    snprintf(expected, sizeof expected, "%s %s", wanted ? wanted : VENDOR_CODE, FAULT_TEXT);
    equal(found, expected, what);
    soap_destroy(context);
    soap_end(context);
}

static void refusals(void)
{
    struct _ns1__GetDnisAllocationRequest get_request = {"111"};
    struct _ns1__GetDnisAllocationResponse get_answer = {0};
    struct _ns1__AllocateDnisRequest allocate_request = {"1", "test"};
    struct _ns1__AllocateDnisResponse allocate_answer = {0};
    struct _ns1__FreeDnisAllocationRequest free_request = {"222"};
    struct _ns1__FreeDnisAllocationResponse free_answer = {0};

    equal(get(IVR, "999000"), not_found("999000"), "GetDnisAllocation of an unknown number says so");
    equal(release(ADMINISTRATOR, "999000"), not_found("999000"), "FreeDnisAllocation of an unknown number says so");
    as(WRONG_KEY);
    fault(soap_call___ns1__GetDnisAllocation(context, NULL, NULL, &get_request, &get_answer),
          "a wrong application key is the authentication fault");
    as(NULL);
    fault(soap_call___ns1__AllocateDnis(context, NULL, NULL, &allocate_request, &allocate_answer),
          "no credentials is the authentication fault");
    as(IVR);
    fault(soap_call___ns1__FreeDnisAllocation(context, NULL, NULL, &free_request, &free_answer),
          "FreeDnisAllocation without a user is the authentication fault");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: client NAME PHONE\n");
        return 2;
    }
    service = argv[1];
    context = soap_new1(SOAP_XML_STRICT | SOAP_C_UTFSTRING);
    lending(argv[2]);
    refusals();
    soap_free(context);
    return passed > 0 && failed == 0 ? 0 : 1;
}
