import dnis.AllocateDnisRequest;
import dnis.CreatePhoneRequest;
import dnis.FreeDnisAllocationRequest;
import dnis.GetDnisAllocationRequest;
import dnis.DnisPort;
import dnis.DnisPortService;
import java.net.URL;
import javax.xml.ws.WebServiceFeature;

/** The port of dnis.wsdl, called as a program calls it that was generated from it. */
final class DnisClient extends Client {
    private final DnisPort port;

    private DnisClient(DnisPort port) {
        super("dnis", DnisPort.class, port);
        this.port = port;
    }

    static DnisClient of(URL wsdl, WebServiceFeature... features) {
        return new DnisClient(new DnisPortService(wsdl).getDnisPortSoap11(features));
    }

    @Override
    String create(String phone, String dnId, String group) {
        CreatePhoneRequest request = new CreatePhoneRequest();
        request.setPhoneNumber(phone);
        request.setDnId(dnId);
        request.setGroupName(group);
        request.setEnabled(true);
        return port.createPhone(request).getResult();
    }

    @Override
    String allocate(String uniqueId, String group) {
        AllocateDnisRequest request = new AllocateDnisRequest();
        request.setUniqueId(uniqueId);
        request.setGroup(group);
        return port.allocateDnis(request).getResult();
    }

    @Override
    String get(String phone) {
        GetDnisAllocationRequest request = new GetDnisAllocationRequest();
        request.setPhone(phone);
        return port.getDnisAllocation(request).getResult();
    }

    @Override
    String free(String phone) {
        FreeDnisAllocationRequest request = new FreeDnisAllocationRequest();
        request.setPhone(phone);
        return port.freeDnisAllocation(request).getResult();
    }
}
