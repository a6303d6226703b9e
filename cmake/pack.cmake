# The Debian package and the RPM (`cpack -G DEB` or RPM in a build folder of the release preset; deploy/build-deb and build-rpm do
# all of it). Both hold the same files, and the same scripts run when they are installed and removed.
set(CPACK_PACKAGE_NAME sesverify)
set(CPACK_PACKAGE_CONTACT "sesverify maintainers <maintainers@sesverify.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "verifies and guards client domains on Amazon SES")
set(CPACK_SET_DESTDIR ON) # /etc is outside the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE "")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Clients of a platform send mail from their own domains. For each one Amazon
SES wants DNS records, finds them after minutes or days, and sometimes loses
them again. This worker registers domains at SES, says which records to
publish, keeps looking at SES and at DNS, says why a domain does not verify,
and tells when it does. Jobs come in through a Redis stream, events go out
through another.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script postinst prerm postrm conffiles)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/${script})
endforeach()

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_PACKAGE_DESCRIPTION ${CPACK_DEBIAN_PACKAGE_DESCRIPTION})
set(CPACK_RPM_PACKAGE_REQUIRES "ca-certificates")
set(CPACK_RPM_USER_FILELIST "%config(noreplace) /etc/sesverify/sesverify.conf")
set(CPACK_RPM_COMPRESSION_TYPE xz)
set(CPACK_RPM_POST_INSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/deploy/debian/postinst)
set(CPACK_RPM_PRE_UNINSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/deploy/debian/prerm)
set(CPACK_RPM_POST_UNINSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
foreach(folder IN ITEMS bash-completion bash-completion/completions fish fish/vendor_completions.d
    man man/man1 man/man5 man/man8 zsh zsh/vendor-completions)
  list(APPEND CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/share/${folder})
endforeach()
foreach(folder IN ITEMS systemd systemd/system sysusers.d tmpfiles.d)
  list(APPEND CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/lib/${folder})
endforeach()
# The same commit gives the same bytes: times are SOURCE_DATE_EPOCH, and where it was built is not told. rpm changes nothing in
# a file, and an older time of one is not kept either.
set(CPACK_RPM_SPEC_MORE_DEFINE
"%define use_source_date_epoch_as_buildtime 1
%define _buildhost localhost
%define _build_id_links none
%define __os_install_post test -z $SOURCE_DATE_EPOCH || find %{buildroot} -exec touch -h -d @$SOURCE_DATE_EPOCH {} +")
set(CPACK_GENERATOR DEB)
include(CPack)
