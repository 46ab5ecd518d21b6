<?php
// Drives a running demo gateway with PHP's SoapClient, generated from the WSDLs that it serves.
// Usage: with BASE set to the gateway's address, `php php_client.php`. FAULT_CODE is the code that wrong credentials are
// expected to have, the vendor's unless set. Prints one line per check, exits 1 when one failed.
declare(strict_types=1);

const CHANNEL = ['Tenant-Id' => '12345678', 'Application-Key' => '53736e07e4b05772e6475c2d'];
const IVR = ['Tenant-Id' => '12345678', 'Application-Key' => '53475e5f1463f9ab2052ead'];
const ADMINISTRATOR = IVR + ['User-Id' => 'YWRtaW4=', 'User-Password' => 'cGFzc3dvcmQ='];

const OPERATIONS = ['AllocateDnis', 'CreatePhone', 'FreeDnisAllocation', 'GetDnisAllocation'];
define('FAULT_CODE', getenv('FAULT_CODE') ?: '0x7000000');
const FAULT_TEXT = 'Request is unauthorized, missing or wrong credentials';
const NO_NUMBER = 'Currently there are no available phone numbers';

$passed = 0;
$failed = 0;

function check(bool $holds, string $what, string $whyNot): void
{
    global $passed, $failed;
    $holds ? $passed++ : $failed++;
    echo $holds ? "ok - $what\n" : "not ok - $what: $whyNot\n";
}

function equal(mixed $found, mixed $expected, string $what): void
{
    check($found === $expected, $what, 'expected ' . json_encode($expected) . ', found ' . json_encode($found));
}

function notFound(string $phone): string
{
    return "Phone number $phone was not found";
}

/** The four operations of one WSDL, each called with the header set its vendor's page asks for. */
final class Client
{
    public function __construct(private string $wsdl)
    {
    }

    /** The names of the operations that the WSDL describes, sorted. */
    public function operations(): array
    {
        $names = [];
        foreach ($this->soap([])->__getFunctions() as $signature) {
            $names[] = preg_replace('/^\w+ (\w+)\(.*$/', '$1', $signature);
        }
        sort($names);
        return $names;
    }

    public function create(string $phone, string $group): string
    {
        $values = ['phoneNumber' => $phone, 'dnId' => substr($phone, 5), 'groupName' => $group, 'enabled' => true];
        return $this->call(ADMINISTRATOR, 'CreatePhone', $values);
    }

    public function allocate(string $uniqueId, string $group): string
    {
        return $this->call(CHANNEL, 'AllocateDnis', ['uniqueId' => $uniqueId, 'group' => $group]);
    }

    public function get(string $phone): string
    {
        return $this->call(IVR, 'GetDnisAllocation', ['phone' => $phone]);
    }

    public function free(string $phone): string
    {
        return $this->call(ADMINISTRATOR, 'FreeDnisAllocation', ['phone' => $phone]);
    }

    /** One call with these HTTP headers; the `result` of the answer. */
    public function call(array $headers, string $operation, array $values): string
    {
        return $this->soap($headers)->__soapCall($operation, [$values])->result;
    }

    /** The headers of a SoapClient are fixed when it is made; the WSDL is fetched without a cache each time. */
    private function soap(array $headers): SoapClient
    {
        $lines = array_map(fn ($name, $value) => "$name: $value", array_keys($headers), $headers);
        $context = stream_context_create(['http' => ['header' => implode("\r\n", $lines)]]);
        return new SoapClient($this->wsdl, ['stream_context' => $context, 'cache_wsdl' => WSDL_CACHE_NONE]);
    }
}

/** A number's life: created, refused twice, lent, seen, given back. */
function lending(Client $client, string $name, string $phone): void
{
    [$group, $uniqueId, $dnId] = ["php $name", "Unique Id $name <1> & 2", substr($phone, 5)];
    $id = $client->create($phone, $group);
    check(ctype_digit($id), "$name: CreatePhone answers a numeric id", $id);
    equal(
        $client->create($phone, $group),
        "Cannot create Phone '$phone'. A phone with that name already exists",
        "$name: CreatePhone of a number that exists answers the documented text",
    );
    equal($client->get($phone), '', "$name: GetDnisAllocation of a number that is not lent is empty");
    equal($client->free($phone), notFound($phone), "$name: FreeDnisAllocation of a number that is not lent says so");
    equal($client->allocate($uniqueId, $group), $phone, "$name: AllocateDnis lends the group's number");
    equal($client->allocate("$uniqueId again", $group), NO_NUMBER, "$name: AllocateDnis from an exhausted group says so");
    equal($client->get($phone), $uniqueId, "$name: GetDnisAllocation answers the unique id by full number");
    equal($client->get($dnId), $uniqueId, "$name: GetDnisAllocation answers the unique id by DNID");
    equal($client->free($phone), 'Success', "$name: FreeDnisAllocation answers Success");
    equal($client->get($phone), '', "$name: after FreeDnisAllocation nothing is allocated");
}

/** Unknown numbers are results; wrong credentials are faults. */
function refusals(Client $client, string $name): void
{
    equal($client->get('999000'), notFound('999000'), "$name: GetDnisAllocation of an unknown number says so");
    equal($client->free('999000'), notFound('999000'), "$name: FreeDnisAllocation of an unknown number says so");
    $wrongKey = ['Application-Key' => 'wrong'] + IVR;
    fault($client, "$name: a wrong application key", $wrongKey, 'GetDnisAllocation', ['phone' => '111']);
    fault($client, "$name: no credentials", [], 'AllocateDnis', ['uniqueId' => '1', 'group' => 'test']);
    fault($client, "$name: FreeDnisAllocation without a user", IVR, 'FreeDnisAllocation', ['phone' => '222']);
}

function fault(Client $client, string $what, array $headers, string $operation, array $values): void
{
    try {
        $answer = $client->call($headers, $operation, $values);
        check(false, "$what is the authentication fault", 'answered ' . json_encode($answer));
    } catch (SoapFault $fault) {
        $found = [$fault->faultcode, $fault->getMessage()];
        equal($found, [FAULT_CODE, FAULT_TEXT], "$what is the authentication fault");
    }
}

$base = getenv('BASE');
foreach (['agent' => '2119900009', 'dnis' => '2119900010'] as $name => $phone) {
    try {
        $client = new Client("$base/interact/version/2/$name/soap/$name.wsdl");
        equal($client->operations(), OPERATIONS, "$name: the WSDL describes the four operations");
        lending($client, $name, $phone);
        refusals($client, $name);
    } catch (Throwable $error) {
        check(false, "$name: SoapClient talks to the gateway", (string) $error);
    }
}
exit($passed > 0 && $failed === 0 ? 0 : 1);
