# What is installed where, for `cmake --install` and for packages. Everything is relative to the prefix but the settings.
install(TARGETS sesverify sesverify-sandbox RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES systemd/sesverify.service systemd/sesverify@.service DESTINATION lib/systemd/system)
install(FILES systemd/sesverify.sysusers.conf DESTINATION lib/sysusers.d RENAME sesverify.conf)
install(FILES systemd/sesverify.tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME sesverify.conf)
install(FILES deploy/sesverify.conf DESTINATION /etc/sesverify)
install(FILES deploy/sesverify.conf systemd/sesverify.service.d/secrets.conf.example
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY deploy/prometheus deploy/grafana deploy/redis DESTINATION ${CMAKE_INSTALL_DATADIR}/sesverify
  PATTERN "*.test.yml" EXCLUDE)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN man EXCLUDE PATTERN "*.scd" EXCLUDE)
install(FILES README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

sv_install_gzip(${PROJECT_SOURCE_DIR}/CHANGELOG.md CHANGELOG.md ${CMAKE_INSTALL_DOCDIR})
sv_install_gzip(${PROJECT_SOURCE_DIR}/deploy/debian/changelog changelog ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

# What the programs are made of, where Debian's database tells it.
find_program(DPKG_QUERY dpkg-query)
if(DPKG_QUERY AND CMAKE_BUILD_TYPE STREQUAL "Release")
  set(sbom ${PROJECT_BINARY_DIR}/install/sesverify.cdx.json)
  add_custom_command(OUTPUT ${sbom}
    COMMAND ${PROJECT_SOURCE_DIR}/deploy/sbom ${PROJECT_VERSION} $<TARGET_FILE:sesverify> $<TARGET_FILE:sesverify-sandbox> > ${sbom}
    DEPENDS sesverify sesverify-sandbox ${PROJECT_SOURCE_DIR}/deploy/sbom VERBATIM)
  add_custom_target(sv_sbom ALL DEPENDS ${sbom})
  install(FILES ${sbom} DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
